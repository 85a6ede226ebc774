/** The one way out where nobody answers at the other end: what that costs, and whom. */
import { describe, expect, test } from 'vitest'
import { createOutbound } from '../../../src/web/outbound.ts'
import { startJwksServer } from '../../harness/jwks-server.ts'
import { startNameServer } from '../../harness/name-server.ts'
import { movableClock } from '../../store/engine.ts'

describe('F26: names', () => {
  test('a name server that never answers costs no more than 3 s', async () => {
    const names = await startNameServer(() => undefined)
    const began = performance.now()
    const outbound = createOutbound({ now: Date.now, nameServers: [names.address] })
    const answers = await Promise.all(Array.from({ length: 64 }, () => outbound.get('https://keys.example/', 'application/json')))
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
