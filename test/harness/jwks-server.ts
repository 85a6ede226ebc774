/** Where a client publishes its keys, as well or as badly as a test wants it to. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface JwksServer {
  /** `host:port`, as outbound.allowedHosts names it. */
  host: string
  uri: string
  /** Every request so far. */
  requests: IncomingMessage[]
  /** How it answers from now on. */
  answer(how: (request: IncomingMessage, response: ServerResponse) => void): void
  publish(keys: readonly object[], headers?: Record<string, string>): void
  stop(): Promise<void>
}

export async function startJwksServer(): Promise<JwksServer> {
  const requests: IncomingMessage[] = []
  let answer: Parameters<JwksServer['answer']>[0] = (_request, response) => void response.writeHead(404).end()
  const server = createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  const host = `127.0.0.1:${address.port}`
  return {
    host,
    uri: `http://${host}/jwks.json`,
    requests,
    answer(how) {
      answer = how
    },
    publish(keys, headers = {}) {
      answer = (_request, response) =>
        void response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ keys }))
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}
