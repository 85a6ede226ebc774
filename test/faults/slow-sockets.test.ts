/**
 * Case 136, F25: peers that hold connections without using them. They are cut off in time, everybody else is answered as ever,
 * and a process that has no file descriptor left takes connections again once there are some.
 */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { authorize, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { type KeywardProcess, startProcess } from '../harness/keyward-process.ts'
import { startedWith } from '../harness/process-ids.ts'

/** In milliseconds, by the case. */
const CLOSED_WITHIN = 15_000
/** What a process that measures loses on a machine that is busy with others. */
const SLACK = 3000

let keyward: KeywardProcess
let host: string
const sockets: Socket[] = []
beforeEach(async () => {
  keyward = await startProcess({
    change: (yaml) =>
      `${yaml.replace(/^secondFactor: .*$/m, 'secondFactor: { patients: "off", clinicians: "off" }')}log: { level: warn }\n`
  })
  host = new URL(keyward.issuer).host
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await keyward?.stop()
})

async function open(): Promise<Socket> {
  const socket = connect(keyward.port, '127.0.0.1')
  socket.on('error', () => undefined)
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

/** How long until the server has closed it, in milliseconds. */
async function closing(socket: Socket): Promise<number> {
  const begun = performance.now()
  // Whether by an end or by a reset.
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
  return performance.now() - begun
}

const TRICKLES: Record<string, string> = {
  'nothing at all': '',
  'a head, byte by byte': `GET /jwks HTTP/1.1\r\nHost: ${'x'.repeat(60)}`,
  'a body, byte by byte':
    'POST /token HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\n'
}

/** Sends the beginning, then a byte a second. */
async function trickle(start: string): Promise<Socket> {
  const socket = await open()
  socket.resume()
  if (start === '') return socket
  const isBody = start.endsWith('\r\n\r\n')
  socket.write(isBody ? start.replace('HOST', host) : start.slice(0, 30))
  const timer = setInterval(() => socket.writable && socket.write('x'), 1000)
  socket.once('close', () => clearInterval(timer))
  return socket
}

/** Asks on and on and takes none of the answers, until the server takes no more either. */
async function neverRead(): Promise<Socket> {
  const socket = await open()
  socket.pause()
  const ask = `GET /style.css HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(200)
  while (socket.writableLength < 4 * ask.length) {
    socket.write(ask)
    await wait(20)
  }
  return socket
}

/** Refreshes so many times over connections of its own; how long each took, in milliseconds. */
async function refreshing(times: number): Promise<number[]> {
  const app = newApp(keyward.issuer)
  let { body } = await app.redeem(app.codeFrom(await authorize(newBrowser(keyward.issuer), app.authorizationUrl())))
  const taken: number[] = []
  for (let n = 0; n < times; n += 1) {
    const begun = performance.now()
    const answer = await app.refresh(body.refresh_token ?? '')
    taken.push(performance.now() - begun)
    expect(answer.status).toBe(200)
    body = answer.body
  }
  return taken.sort((a, b) => a - b)
}

test('case 136: 500 connections that send slowly, or nothing, are closed in time, and tokens are given out as ever', {
  timeout: 180_000
}, async () => {
  const quiet = await refreshing(60)
  const slow: Promise<number>[] = []
  for (let n = 0; n < 2; n += 1) slow.push(closing(await neverRead()))
  for (const start of Object.values(TRICKLES)) {
    for (let n = 0; n < 166; n += 1) slow.push(closing(await trickle(start)))
  }
  const busy = await refreshing(60)
  const p95 = (times: number[]): number => times[Math.ceil(times.length * 0.95) - 1] ?? Number.NaN
  expect(p95(busy)).toBeLessThan(Math.max(250, 3 * p95(quiet)))
  const closed = await Promise.all(slow)
  expect(closed).toHaveLength(500)
  expect(Math.max(...closed)).toBeLessThan(CLOSED_WITHIN + SLACK)
  // Nobody is thrown out at once who may only be slow.
  expect(Math.min(...closed)).toBeGreaterThan(3000)
  expect((await fetch(`${keyward.issuer}/readyz`)).status).toBe(200)
})

test('F25: without a file descriptor left, connections that there are go on, and new ones are taken when others have gone', async () => {
  const [pid] = startedWith(keyward.configFile)
  expect(pid).toBeDefined()
  execFileSync('prlimit', ['--pid', String(pid), '--nofile=128:128'])
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = () =>
    new Promise<number>((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port: keyward.port, path: '/readyz', agent, headers: { Host: host } },
        (answer) => {
          answer.resume().once('end', () => resolve(answer.statusCode ?? 0))
        }
      )
      sent.once('error', reject).end()
    })
  expect(await ask()).toBe(200)
  for (let n = 0; n < 400; n += 1) {
    const socket = connect(keyward.port, '127.0.0.1')
    socket.on('error', () => undefined).resume()
    sockets.push(socket)
  }
  // More than it can take have been refused by now, and it lives.
  await expect.poll(() => sockets.filter(({ closed }) => closed).length, { timeout: 30_000 }).toBeGreaterThan(100)
  for (let n = 0; n < 20; n += 1) expect(await ask()).toBe(200)
  for (const socket of sockets.splice(0)) socket.destroy()
  await expect
    .poll(
      () =>
        fetch(`${keyward.issuer}/readyz`).then(
          ({ status }) => status,
          () => 0
        ),
      { timeout: 30_000, interval: 100 }
    )
    .toBe(200)
  expect((await refreshing(3)).length).toBe(3)
  agent.destroy()
  expect(startedWith(keyward.configFile)).toEqual([pid])
  expect((await keyward.terminate()).code).toBe(0)
})
