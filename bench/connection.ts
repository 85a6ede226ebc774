/**
 * A keep-alive HTTP connection that costs next to nothing, so that the load is never what limits the server: one
 * request after another as text, answers with Content-Length only.
 */
import { once } from 'node:events'
import { connect } from 'node:net'

export interface Answer {
  status: number
  head: string
  body: string
}

export interface Connection {
  ask(request: string): Promise<Answer>
  close(): void
}

/** How long an answer may take, in milliseconds. */
const PATIENCE = 15_000

export async function openConnection(port: number): Promise<Connection> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.setNoDelay(true)
  socket.setTimeout(PATIENCE, () => socket.destroy(new Error(`no answer within ${PATIENCE} ms`)))
  let received = ''
  let waiting: PromiseWithResolvers<Answer> | undefined

  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    const answer = answerIn(received)
    if (!answer || !waiting) return
    const { resolve } = waiting
    waiting = undefined
    received = ''
    resolve(answer)
  })
  socket.on('error', (problem) => waiting?.reject(problem))
  socket.on('close', () => waiting?.reject(new Error('the server closed the connection')))

  return {
    ask(request) {
      waiting = Promise.withResolvers()
      socket.write(request, 'latin1')
      return waiting.promise
    },
    close: () => void socket.destroy()
  }
}

function answerIn(received: string): Answer | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = received.slice(0, end)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (length === undefined) throw new Error(`an answer without Content-Length: ${head}`)
  const body = received.slice(end + 4)
  return body.length < Number(length) ? undefined : { status: Number(head.slice(9, 12)), head, body }
}

export interface Request {
  method: 'GET' | 'POST'
  path: string
  port: number
  headers?: Record<string, string>
  form?: Record<string, string>
}

export function textOf({ method, path, port, headers = {}, form }: Request): string {
  const body = form ? new URLSearchParams(form).toString() : ''
  const all = {
    Host: `localhost:${port}`,
    ...headers,
    ...(form ? { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': String(body.length) } : {})
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}
