import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Served } from './app.ts'
import { answerOk, ask, FORM, serve } from './app.ts'

describe('request log', () => {
  let served: Served
  beforeEach(async () => {
    served = await serve({ routes: [answerOk] })
  })
  afterEach(() => served.close())

  const lines = () => served.log.map((line) => JSON.parse(line)).filter((line) => line.msg === 'request')

  test('writes one line a request, with neither query nor headers nor body', async () => {
    const headers = { ...FORM, Authorization: 'Basic hush', 'User-Agent': 'hush' }
    const answer = await ask(served, '/token?code=hush', { method: 'POST', headers, body: 'code=hush' })
    await expect.poll(lines).toHaveLength(1)
    expect(lines()[0]).toMatchObject({
      level: 'info',
      method: 'POST',
      path: '/token',
      status: 200,
      ms: expect.any(Number),
      requestId: answer.headers['x-request-id']
    })
    expect(served.log.join('')).not.toContain('hush')
  })

  test.each([
    ['/interaction/abc123/login', '/interaction/:id/login'],
    ['/interaction/abc123', '/interaction/:id'],
    ['/Interaction/abc123/', '/Interaction/:id/'],
    ['/interaction', '/interaction'],
    ['/account/stop', '/account/stop'],
    [`/${'a'.repeat(500)}`, `/${'a'.repeat(199)}...`]
  ])('shows %s as %s', async (path, shown) => {
    await ask(served, path)
    await expect.poll(lines).toEqual([expect.objectContaining({ path: shown })])
  })

  test('probes are logged at debug', async () => {
    await ask(served, '/livez')
    await expect.poll(lines).toEqual([expect.objectContaining({ level: 'debug' })])
  })
})
