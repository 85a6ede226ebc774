/** Requests over connections of their own, all made before the first is sent: what arrives at once is the requests, not the handshakes. */
import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect, type Socket } from 'node:net'

export interface Sent {
  port: number
  path: string
  form: Record<string, string>
  /** Of the form as well: here a name may come several times. */
  ticks?: readonly { name: string; value: string }[]
  /** POST where it is left out. */
  method?: 'GET' | 'POST'
  /** Sent in place of the form. */
  json?: object
  headers?: Record<string, string>
}

export interface Received {
  status: number
  headers: IncomingHttpHeaders
  text: string
  start: number
  end: number
}

/** Longer than the server takes over any answer. */
const PATIENCE = 15_000

type Outcome = Received | { status: 0; start: number; end: number }

/**
 * Each answer; without a status where the connection was refused or ended. `issuer`: whose Host they all name.
 * `onProgress` is told how many have been answered, 0 when all were sent.
 */
export async function atOnce(
  issuer: string,
  requests: readonly Sent[],
  onProgress: (answered: number) => void = () => undefined
): Promise<Outcome[]> {
  const sockets = await Promise.all(requests.map(({ port }) => connected(port)))
  let answered = 0
  const outcomes = requests.map(async (each, at): Promise<Outcome> => {
    const start = performance.now()
    const received = await send(issuer, sockets[at], each)
    const end = performance.now()
    answered += 1
    onProgress(answered)
    return { ...(received ?? { status: 0 }), start, end }
  })
  onProgress(0)
  return Promise.all(outcomes)
}

async function connected(port: number): Promise<Socket | undefined> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return socket
  } catch {
    return undefined
  }
}

function send(
  issuer: string,
  socket: Socket | undefined,
  { path, form, ticks = [], method = 'POST', json, headers }: Sent
): Promise<Omit<Received, 'start' | 'end'> | undefined> {
  if (!socket) return Promise.resolve(undefined)
  const fields = new URLSearchParams(form)
  for (const { name, value } of ticks) fields.append(name, value)
  const body = method === 'GET' ? '' : json ? JSON.stringify(json) : fields.toString()
  const type = json ? 'application/json' : 'application/x-www-form-urlencoded'
  const content = method === 'GET' ? {} : { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) }
  return new Promise((resolve) => {
    const lost = () => {
      socket.destroy()
      resolve(undefined)
    }
    const sent = request(
      {
        method,
        path,
        createConnection: () => socket,
        headers: {
          Host: new URL(issuer).host,
          ...content,
          Connection: 'close',
          ...headers
        }
      },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk) => {
          text += chunk
        })
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }))
        answer.once('error', lost)
      }
    )
    sent.once('error', lost)
    sent.setTimeout(PATIENCE, lost)
    sent.end(body)
  })
}
