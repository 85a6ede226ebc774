/** The one way out where nobody answers at the other end: what that costs, and whom. */
import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { createOutbound, type Outbound } from '../../../src/web/outbound.ts'
import { startJwksServer } from '../../harness/jwks-server.ts'
import { startNameServer } from '../../harness/name-server.ts'
import { movableClock } from '../../store/engine.ts'

describe('F26: names', () => {
  test('a name server that never answers costs no more than 3 s', async () => {
    const names = await startNameServer(() => undefined)
    const began = performance.now()
    const outbound = createOutbound({ now: Date.now, nameServers: [names.address] })
    const answers = await Promise.all(Array.from({ length: 32 }, () => outbound.get('https://keys.example/', 'application/json')))
    expect(performance.now() - began).toBeLessThan(3000)
    expect(new Set(answers.map((answer) => !answer.ok && answer.failure))).toEqual(new Set(['timed-out']))
    expect(await outbound.get('https://keys.example/', 'application/json')).toEqual({ ok: false, failure: 'host-left-alone' })
    await names.stop()
  })

  test('a name that is not there', async () => {
    const names = await startNameServer(() => [])
    const outbound = createOutbound({ now: Date.now, nameServers: [names.address] })
    expect(await outbound.get('https://keys.example/', 'application/json')).toEqual({ ok: false, failure: 'host-not-found' })
    await names.stop()
  })
})

describe('F26: a host that can not be reached', () => {
  test('is left alone after five times, and tried once after a while', async () => {
    const development = await startJwksServer()
    let isUp = false
    development.answer((request, response) => void (isUp ? response.end('{}') : request.socket.destroy()))
    const clock = movableClock()
    const outbound = createOutbound({ allowedHosts: [development.host], now: clock.now })
    const ask = async () => {
      const answer = await outbound.get(development.uri, 'application/json')
      return answer.ok ? 'answered' : answer.failure
    }
    for (let time = 0; time < 5; time++) expect(await ask()).toBe('unreachable')
    expect(await ask()).toBe('host-left-alone')
    expect(development.requests).toHaveLength(5)
    clock.move(16_000)
    expect(await Promise.all([ask(), ask()])).toEqual(['unreachable', 'host-left-alone'])
    expect(development.requests).toHaveLength(6)
    clock.move(16_000)
    isUp = true
    expect(await ask()).toBe('answered')
    expect(await ask()).toBe('answered')
    await development.stop()
  })

  test('one that answers wrongly is there, for whoever else lives on it', async () => {
    const development = await startJwksServer()
    const outbound = createOutbound({ allowedHosts: [development.host], now: Date.now })
    for (let time = 0; time < 10; time++)
      expect(await outbound.get(development.uri, 'application/json')).toMatchObject({ ok: false, failure: 'status' })
    development.publish([])
    expect(await outbound.get(development.uri, 'application/json')).toMatchObject({ ok: true })
    await development.stop()
  })
})

describe('F26: a host on which several parties have addresses', () => {
  const answerOf = (outbound: Outbound, uri: string) =>
    outbound.get(uri, 'application/json').then((answer) => (answer.ok ? 'answered' : answer.failure))

  test.each([
    ['cuts the connection', (request: IncomingMessage) => void request.socket.destroy(), 'unreachable'],
    ['never answers', () => undefined, 'timed-out']
  ] as const)('one address that %s is left alone, and no other', async (_what, silence, failure) => {
    const development = await startJwksServer()
    development.answer((request, response) => (request.url === '/hers' ? silence(request) : void response.end('{}')))
    const clock = movableClock()
    const outbound = createOutbound({ allowedHosts: [development.host], now: clock.now })
    const [hers, his] = ['/hers', '/his'].map((path) => new URL(path, development.uri).href)
    if (!hers || !his) throw new Error('no addresses')
    const five = await Promise.all(Array.from({ length: 5 }, () => answerOf(outbound, hers)))
    expect(new Set(five)).toEqual(new Set([failure]))
    expect(await answerOf(outbound, hers)).toBe('host-left-alone')
    expect(await answerOf(outbound, his)).toBe('answered')
    // What is asked of one says nothing of the other.
    expect(await answerOf(outbound, hers)).toBe('host-left-alone')
    clock.move(16_000)
    expect(await answerOf(outbound, hers)).toBe(failure)
    await development.stop()
  })

  test('it is left alone altogether where no connection can be made', async () => {
    const development = await startJwksServer()
    await development.stop()
    const outbound = createOutbound({ allowedHosts: [development.host], now: Date.now })
    for (let time = 0; time < 5; time++)
      expect(await answerOf(outbound, new URL(`/${time}`, development.uri).href)).toBe('unreachable')
    expect(await answerOf(outbound, development.uri)).toBe('host-left-alone')
  })

  test('no more than so much is asked of it at once', async () => {
    const development = await startJwksServer()
    development.answer(() => undefined)
    const outbound = createOutbound({ allowedHosts: [development.host], now: Date.now })
    const asked = Array.from({ length: 40 }, (_, at) => answerOf(outbound, new URL(`/${at}`, development.uri).href))
    const failures = await Promise.all(asked)
    expect(failures.filter((failure) => failure === 'timed-out')).toHaveLength(32)
    expect(failures.filter((failure) => failure === 'host-left-alone')).toHaveLength(8)
    development.answer((_request, response) => void response.end('{}'))
    expect(await answerOf(outbound, new URL('/later', development.uri).href)).toBe('answered')
    await development.stop()
  })
})
