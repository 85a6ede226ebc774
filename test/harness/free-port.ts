/**
 * A port for a server of a test, outside of the range from which the system takes the ports of outgoing connections: one
 * from there may be some connection's by the time that the server listens.
 */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

const FIRST = 10_300
const LAST = 21_900
const TRIES = 100

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(FIRST, LAST)
    if (await isFree(port)) return port
  }
  throw new Error('no free port')
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  const found = await Promise.race([once(server, 'listening').then(() => true), once(server, 'error').then(() => false)])
  if (!found) return false
  server.close()
  await once(server, 'close')
  return true
}
