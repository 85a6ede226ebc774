/** A request in pieces over a bare socket, for what no HTTP client sends: heads that stop, bodies that wait, odd Hosts. */
import { once } from 'node:events'
import { connect } from 'node:net'

export interface HalfRequest {
  /** The next bytes that come back. */
  next(): Promise<string>
  /** Sends the rest, and gives all that comes until the server ends the connection. */
  finish(rest: string | Buffer): Promise<string>
}

export async function openRequest(port: number, start: string | Buffer): Promise<HalfRequest> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  // Written through the kernel before anything that comes later is looked at.
  await new Promise((written) => socket.write(start, written))
  return {
    next: async () => String((await once(socket, 'data'))[0]),
    async finish(rest) {
      let answer = ''
      socket.on('data', (chunk) => {
        answer += chunk
      })
      if (rest.length > 0) socket.write(rest)
      if (!socket.closed) await once(socket, 'close')
      return answer
    }
  }
}

/** One request as it stands; the answer's status, head and body. */
export async function sendRaw(port: number, text: string | Buffer): Promise<{ status: number; answer: string }> {
  const answer = await (await openRequest(port, text)).finish('')
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]), answer }
}
