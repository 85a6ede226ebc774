/** The process as an operator meets it: how it starts, says why it doesn't, waits for its store, and ends. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { clinicYaml } from '../harness/clinic-config.ts'
import { freePort } from '../harness/free-port.ts'
import { openRequest } from '../harness/half-request.ts'
import { type KeywardProcess, runToEnd, startProcess } from '../harness/keyward-process.ts'

const STACK = /\n\s+at /

let keyward: KeywardProcess | undefined
afterEach(() => keyward?.stop())

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  test('lets a request under way finish, is not ready meanwhile, takes no new one, and exits 0', async () => {
    keyward = await startProcess()
    const probe = await openRequest(keyward.port, 'GET /readyz HTTP/1.1\r\nHost: x\r\n')
    const body = 'grant_type=refresh_token&refresh_token=x'
    const head = `POST /token HTTP/1.1\r\nHost: localhost:${keyward.port}\r\nContent-Type: application/x-www-form-urlencoded\r\n`
    const request = await openRequest(keyward.port, `${head}Content-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`)
    expect(await request.next()).toMatch(/^HTTP\/1\.1 100 /)

    const { log } = keyward
    keyward.signal(signal)
    await expect.poll(() => log().some((line) => line.includes('"draining"'))).toBe(true)
    await expect(fetch(`http://127.0.0.1:${keyward.port}/livez`)).rejects.toThrow()
    const notReady = await probe.finish('\r\n')
    expect(notReady).toMatch(/^HTTP\/1\.1 503 /)
    expect(notReady).toContain('{"status":"not-ready","reason":"draining"}')
    const answer = await request.finish(body)
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
    expect(answer).toContain('"error":"invalid_client"')
    expect(answer).toMatch(/\r\nConnection: close\r\n/i)

    const ended = await keyward.terminate(signal)
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(keyward.log().at(-1)).toContain('"ended"')
    await keyward.startAgain()
    expect((await keyward.cli('audit', 'verify')).stdout).toMatch(/intact/)
  })
})

test('F1: a store that is away at the start: alive, not ready, 503 for all that needs it; ready within 5 s when the store comes', async () => {
  keyward = await startProcess({ store: 'redis' })
  await keyward.terminate()
  await keyward.redis?.kill()
  await keyward.startAgain('/livez')
  const { issuer, log } = keyward
  const ready = await fetch(`${issuer}/readyz`)
  expect({ status: ready.status, body: await ready.json() }).toEqual({
    status: 503,
    body: { status: 'not-ready', reason: 'store' }
  })
  const token = await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token' }) })
  expect(token.status).toBe(503)
  expect(Number(token.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await token.json()).toMatchObject({ error: 'temporarily_unavailable' })
  const page = await fetch(`${issuer}/authorize?client_id=heart-app`, { headers: { Accept: 'text/html' } })
  expect(page.status).toBe(503)
  expect(await page.text()).toContain(page.headers.get('x-request-id'))
  expect(log().some((line) => line.includes('waiting for the store'))).toBe(true)

  expect((await fetch(`${issuer}/fhir/clinic/.well-known/smart-configuration`)).status).toBe(200)

  await keyward.redis?.restart()
  const back = performance.now()
  await expect.poll(async () => (await fetch(`${issuer}/readyz`)).status, { timeout: 15_000 }).toBe(200)
  expect(performance.now() - back).toBeLessThan(5000)
  expect((await fetch(`${issuer}/jwks`)).status).toBe(200)
  expect(await keyward.terminate()).toMatchObject({ code: 0, stderr: '' })
}, 60_000)

test('it ends in order, with 0, while it waits for the store, and where the store was lost', async () => {
  keyward = await startProcess({ store: 'redis' })
  await keyward.redis?.kill()
  expect(await keyward.terminate()).toMatchObject({ code: 0, stderr: '' })
  await keyward.startAgain('/livez')
  expect(await keyward.terminate()).toMatchObject({ code: 0, stderr: '' })
}, 60_000)

test('told to end while it starts, it ends', async () => {
  keyward = await startProcess({ until: '/livez' })
  expect(await keyward.terminate()).toMatchObject({ code: 0, stderr: '' })
  await keyward.startAgain()
})

describe('what it can not start with is said in a sentence, exit 1', () => {
  test('every mistake of the configuration, each with its path', async () => {
    const yaml = clinicYaml({ port: 9000 })
      .replace('accessToken: 15m', 'accessToken: 15 moons')
      .replace('startTicked: requested', 'startTicked: maybe')
      .replace('issuer: http://localhost:9000', 'issuer: nowhere')
      .replace('role: clinician', 'role: wizard')
      .replace('listen: {', 'listen: { colour: red,')
    const { code, stdout, stderr } = await runToEnd(yaml)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    const paths = stderr.split('\n').flatMap((line) => /^ {2}([\w.[\]]+): ./.exec(line)?.[1] ?? [])
    expect(paths.sort()).toEqual(['accounts[3].role', 'consent.startTicked', 'issuer', 'lifetimes.accessToken', 'listen.colour'])
    expect(stderr).toMatch(/5 mistakes\n/)
    expect(stderr).not.toMatch(STACK)
  })

  test('a port that is in use', async () => {
    const other = createServer().listen(await freePort(), '127.0.0.1')
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const address = other.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    const { code, stderr } = await runToEnd(clinicYaml({ port }))
    expect(code).toBe(1)
    expect(stderr.trimEnd()).toMatch(new RegExp(`^can't listen at 127\\.0\\.0\\.1:${port}: .*already in use[^\n]*$`))
  })

  test.each([
    ['a store file that can not be made', (yaml: string) => yaml.replace(/^store: .*$/m, 'store: "sqlite:/etc/passwd/x.db"')],
    ['no YAML', () => 'issuer: [1'],
    ['no mapping', () => '- 1'],
    ['an empty file', () => '']
  ])('%s', async (_what, change) => {
    const { code, stdout, stderr } = await runToEnd(change(clinicYaml({ port: await freePort() })))
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).not.toBe('')
    expect(stderr).not.toMatch(STACK)
  })
})

test('a second process on the same file shares it with the first', async () => {
  keyward = await startProcess()
  const started = performance.now()
  const { code, stdout } = await keyward.cli('audit', 'export')
  expect({ code, lines: stdout.trimEnd().split('\n').length }).toEqual({ code: 0, lines: 1 })
  expect(performance.now() - started).toBeLessThan(10_000)
  expect((await fetch(`${keyward.issuer}/readyz`)).status).toBe(200)
})
