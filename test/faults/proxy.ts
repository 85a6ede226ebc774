/** A TCP connection that can break: stands between Keyward and its store, on loopback, and does what it is told. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { RedisServer } from '../harness/redis-server.ts'

export type Direction = 'request' | 'reply'

export interface FaultProxy {
  port: number
  /** Everything goes through, at once. */
  pass(): void
  /** Every piece goes through, so many milliseconds late. */
  delay(ms: number): void
  /** Nothing goes through, and nobody is told. `existing`: only on connections that are there; new ones work. */
  blackHole(which?: 'all' | 'existing'): void
  /** After so many bytes more in one direction, all connections end, the rest of the bytes with them. New ones work. */
  cutAfter(bytes: number, direction: Direction): void
  /** Ends all connections at once by a reset, and answers new ones so until told otherwise. */
  reset(): void
  /** Whether the cut has come to pass. */
  hasCut(): boolean
  /** What has gone through since the start. */
  bytes: Record<Direction, number>
  stop(): Promise<void>
}

interface Pair {
  near: Socket
  far: Socket
  dark: boolean
}

export async function startFaultProxy(target: number): Promise<FaultProxy> {
  const pairs = new Set<Pair>()
  const bytes = { request: 0, reply: 0 }
  let mode: 'pass' | 'reset' | 'dark' | { late: number } = 'pass'
  let cut: { direction: Direction; left: number } | undefined
  let hasCut = false

  function end(pair: Pair, how: 'end' | 'reset' = 'end'): void {
    pairs.delete(pair)
    for (const socket of [pair.near, pair.far]) {
      if (how === 'reset') socket.resetAndDestroy()
      else socket.destroy()
    }
  }

  function carry(pair: Pair, direction: Direction, chunk: Buffer): void {
    if (pair.dark || mode === 'dark') return
    const to = direction === 'request' ? pair.far : pair.near
    let piece = chunk
    if (cut?.direction === direction) {
      piece = chunk.subarray(0, cut.left)
      cut.left -= piece.length
    }
    bytes[direction] += piece.length
    const isCut = cut?.direction === direction && cut.left === 0
    if (isCut) {
      cut = undefined
      hasCut = true
    }
    const pass = () => {
      // What was sent before the end arrives, as it would on a wire.
      if (!to.destroyed && piece.length > 0) to.write(piece, () => isCut && endAll())
      else if (isCut) endAll()
    }
    if (typeof mode === 'object') setTimeout(pass, mode.late)
    else pass()
  }

  const endAll = (how?: 'reset') => {
    for (const pair of [...pairs]) end(pair, how)
  }

  const server = createServer((near) => {
    near.on('error', () => undefined)
    if (mode === 'reset') return void near.resetAndDestroy()
    const far = connect(target, '127.0.0.1')
    const pair = { near, far, dark: false }
    pairs.add(pair)
    far.on('error', () => undefined)
    near.on('data', (chunk: Buffer) => carry(pair, 'request', chunk))
    far.on('data', (chunk: Buffer) => carry(pair, 'reply', chunk))
    for (const socket of [near, far]) socket.once('close', () => !(pair.dark || mode === 'dark') && end(pair))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (!address || typeof address === 'string') throw new Error('the proxy has no port')

  return {
    port: address.port,
    bytes,
    hasCut: () => hasCut,
    pass() {
      mode = 'pass'
      cut = undefined
    },
    delay(ms) {
      mode = { late: ms }
    },
    blackHole(which = 'all') {
      if (which === 'all') mode = 'dark'
      for (const pair of pairs) pair.dark = true
    },
    cutAfter(left, direction) {
      hasCut = false
      cut = { left, direction }
    },
    reset() {
      mode = 'reset'
      endAll('reset')
    },
    async stop() {
      endAll()
      server.close()
      await once(server, 'close')
    }
  }
}

/** A Redis as it is reached through the proxy. */
export function behind(proxy: FaultProxy, redis: RedisServer): RedisServer {
  return { ...redis, url: `redis://127.0.0.1:${proxy.port}`, port: proxy.port }
}
