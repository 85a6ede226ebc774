/**
 * Ports for the servers of a test, outside of the range from which the system takes the ports of outgoing connections: one
 * from there may be some connection's by the time that the server listens. Each process takes them one after the other from
 * a range of its own, because nothing is reserved: a server that is stopped and started again must find its port as it was.
 */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

const FIRST = 10_300
const EACH = 90
const RANGES = 128

/** The two workers of one run never have the same range; those of other runs seldom, and then begin elsewhere in it. */
const worker = Number(process.env.VITEST_POOL_ID ?? 0) % 2
const start = FIRST + EACH * ((2 * process.pid + worker) % RANGES)
let taken = randomInt(EACH)

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < EACH; tries++) {
    const port = start + (taken++ % EACH)
    if (await isFree(port)) return port
  }
  throw new Error('no free port')
}

/** No two the same. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  for (let at = 0; at < count; at += 1) ports.push(await freePort())
  return ports
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  const found = await Promise.race([once(server, 'listening').then(() => true), once(server, 'error').then(() => false)])
  if (!found) return false
  server.close()
  await once(server, 'close')
  return true
}
