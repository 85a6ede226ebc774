/**
 * A load balancer as operators put one before Keyward: asks each server whether it is ready, sends requests to those that
 * are, in turn, over connections that it keeps. It tries nothing twice, so that whatever goes wrong shows.
 */
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'

export interface LoadBalancer {
  port: number
  /** What went wrong between it and a server: a connection that was refused or ended, a 5xx. */
  faults: string[]
  /** How many requests each server was given. */
  given: Map<number, number>
  /** The servers that are ready, as far as it knows. */
  inService(): number[]
  stop(): Promise<void>
}

interface Options {
  /** Milliseconds between two questions to a server. */
  probeEvery: number
  /** Its own; any where it is left out. */
  port?: number
}

export async function startLoadBalancer(
  servers: readonly number[],
  { probeEvery, port: own = 0 }: Options
): Promise<LoadBalancer> {
  const ready = new Set<number>()
  const faults: string[] = []
  const given = new Map(servers.map((port) => [port, 0]))
  const agents = new Map(servers.map((port) => [port, new Agent({ keepAlive: true })]))
  const over = new AbortController()
  let turn = 0

  async function probe(port: number): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`, {
      signal: AbortSignal.any([over.signal, AbortSignal.timeout(2000)])
    }).catch(() => undefined)
    await answer?.arrayBuffer().catch(() => undefined)
    if (answer?.status === 200) ready.add(port)
    else ready.delete(port)
  }

  /** Each server has a round of its own: one that does not answer holds up no news of the others. */
  const rounds = servers.map(async (port) => {
    while (!over.signal.aborted) {
      await probe(port)
      await new Promise((resolve) => setTimeout(resolve, probeEvery))
    }
  })

  function forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const choice = [...ready].sort()
    const port = choice[turn++ % choice.length]
    if (port === undefined) {
      fail(outgoing, 'no server is ready')
      return
    }
    given.set(port, (given.get(port) ?? 0) + 1)
    const { method, url: path, headers } = incoming
    const { connection, ...kept } = headers
    const sent = request({ host: '127.0.0.1', port, method, path, headers: kept, agent: agents.get(port) }, (answer) => {
      const status = answer.statusCode ?? 0
      if (status >= 500) faults.push(`${status} from ${port}`)
      const { connection: ended, ...answered } = answer.headers
      outgoing.writeHead(status, answered)
      answer.once('error', (problem) => fail(outgoing, problem.message))
      answer.pipe(outgoing)
    })
    sent.once('error', (problem) => fail(outgoing, `${'code' in problem ? problem.code : problem.message} from ${port}`))
    incoming.pipe(sent)
  }

  function fail(outgoing: ServerResponse, what: string): void {
    faults.push(what)
    if (outgoing.headersSent) outgoing.destroy()
    else outgoing.writeHead(502).end()
  }

  const server = createServer(forward).listen(own, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the load balancer has no port')
  return {
    port: address.port,
    faults,
    given,
    inService: () => [...ready],
    async stop() {
      over.abort()
      await Promise.all(rounds)
      for (const agent of agents.values()) agent.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}
