import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readForm } from '../../../src/web/form.ts'
import { openRequest } from '../../harness/half-request.ts'
import type { Served } from './app.ts'
import { answerOk, ask, FORM, serve } from './app.ts'

describe('limits', () => {
  let served: Served
  beforeEach(async () => {
    served = await serve({
      routes: [
        async (ctx) => {
          if (ctx.method === 'POST' && ctx.path === '/') await readForm(ctx, ['a'])
          ctx.body = 'ok'
        }
      ]
    })
  })
  afterEach(() => served.close())

  const host = () => new URL(served.url).host

  test.each([
    'evil.example',
    'localhost',
    'user@127.0.0.1',
    '127.0.0.1:1',
    '',
    '127.0.0.1/',
    '[::1',
    'a b',
    '127.0.0.1.evil.example'
  ])('case 128: Host %j is refused and told to the audit trail', async (odd) => {
    const answer = await raw(`GET / HTTP/1.1\r\nHost: ${odd}\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(served.refused).toEqual(['host'])
  })

  test('case 128: a target that names a second host is refused; X-Forwarded-Host changes nothing', async () => {
    expect(await raw(`GET http://evil.example/ HTTP/1.1\r\nHost: ${host()}\r\nConnection: close\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 400 /
    )
    expect((await ask(served, '/', { headers: { 'X-Forwarded-Host': 'evil.example' } })).status).toBe(200)
    expect((await ask(served, '/')).status).toBe(200)
  })

  test('case 128: a user name before our own host is refused', async () => {
    expect((await ask(served, '/', { headers: { Host: `user@${host()}` } })).status).toBe(400)
  })

  test("the issuer's default port may be named or not, its case does not matter", async () => {
    await served.close()
    served = await serve({ issuer: 'https://auth.example', routes: [answerOk] })
    for (const Host of ['auth.example', 'AUTH.example:443'])
      expect((await ask(served, '/', { headers: { Host } })).status).toBe(200)
    expect((await ask(served, '/', { headers: { Host: 'auth.example:80' } })).status).toBe(400)
  })

  test.each([
    ['a body of 57 KiB', { method: 'POST', headers: FORM, body: Buffer.alloc(57 * 1024, 'a') }, '/', 413],
    ['a body of 57 KiB that nobody would read', { method: 'POST', body: Buffer.alloc(57 * 1024, 'a') }, '/unread', 413],
    ['an announced body of 100 MB', { method: 'POST', headers: { ...FORM, 'Content-Length': '104857600' } }, '/', 413],
    ['a header of 17 KiB', { headers: { 'X-Long': 'a'.repeat(17 * 1024) } }, '/', 431],
    ['a header of 200 KiB', { headers: { 'X-Long': 'a'.repeat(200 * 1024) } }, '/', 431],
    ['an address of 17 KiB', {}, `/${'a'.repeat(17 * 1024)}`, 414],
    ['an address of 64 KiB', {}, `/${'a'.repeat(64 * 1024)}`, 431]
  ])('case 135: %s is refused', async (_what, options, path, status) => {
    const started = performance.now()
    const answer = await firstAnswer(path, options)
    expect(answer.status).toBe(status)
    expect(performance.now() - started).toBeLessThan(1000)
    expect(answer.head).toMatch(/x-content-type-options: nosniff/i)
    expect(answer.head).toMatch(/content-security-policy: .*frame-ancestors 'none'/i)
  })

  test('a head that is no HTTP gets the protecting headers too', async () => {
    const answer = await raw('nonsense\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(answer).toMatch(/nosniff/)
  })

  /** Reads the head as soon as it comes: where a body is announced and never sent the connection stays open. */
  async function firstAnswer(
    path: string,
    { method = 'GET', headers = {}, body = Buffer.alloc(0) }: { method?: string; headers?: Record<string, string>; body?: Buffer }
  ) {
    const all = { Host: host(), ...(body.length > 0 ? { 'Content-Length': String(body.length) } : {}), ...headers }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    const socket = connect(served.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
    socket.write(body)
    const head = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())))
    socket.destroy()
    return { head, status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]) }
  }

  async function raw(text: string): Promise<string> {
    const socket = connect(served.port, '127.0.0.1')
    socket.write(text)
    let answer = ''
    for await (const data of socket) answer += String(data)
    return answer
  }
})

describe('drain', () => {
  test('lets a request in progress finish, tells it that its connection ends, and takes no new one', async () => {
    const begun = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const served = await serve({
      routes: [
        async (ctx) => {
          begun.resolve()
          await release.promise
          ctx.body = 'finished'
        }
      ]
    })
    const inProgress = fetch(served.url)
    await begun.promise
    const drained = served.drain({ delay: 0, patience: 5000 })
    await expect(fetch(served.url)).rejects.toThrow()
    release.resolve()
    const answer = await inProgress
    expect(answer.headers.get('connection')).toBe('close')
    expect(await answer.text()).toBe('finished')
    expect(await drained).toBe(true)
    await served.close()
  })

  test('F12: takes requests for its delay, over old and new connections, ends each with its answer, then no more', async () => {
    const served = await serve({ routes: [(ctx) => answerOk(ctx, async () => undefined)] })
    const kept = await openRequest(served.port, 'GET /first HTTP/1.1\r\nHost: x\r\n')
    const drained = served.drain({ delay: 1500, patience: 5000 })
    const answer = await fetch(served.url)
    expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close'])
    expect(await kept.finish('\r\n')).toMatch(/^HTTP\/1\.1 [\s\S]*\r\nConnection: close\r\n/i)
    expect(await drained).toBe(true)
    await expect(fetch(served.url)).rejects.toThrow()
    await served.close()
  })

  test('closes idle connections at once and cuts what outlasts its time', async () => {
    const begun = Promise.withResolvers<void>()
    const served = await serve({
      routes: [
        async (ctx) => {
          if (ctx.path === '/quick') return answerOk(ctx, async () => undefined)
          begun.resolve()
          await new Promise(() => undefined)
        }
      ]
    })
    await (await fetch(`${served.url}/quick`)).text()
    const stuck = fetch(`${served.url}/stuck`)
    const failed = expect(stuck).rejects.toThrow()
    await begun.promise
    expect(await served.drain({ delay: 0, patience: 50 })).toBe(false)
    await failed
    await served.close()
  })
})
