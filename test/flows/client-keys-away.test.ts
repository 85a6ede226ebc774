/** Case 54 and F26, from end to end: the keys of one client can't be had, and everybody else notices nothing. How long that takes at most: unit/clients/remote-keys.test.ts. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { newClientKey, newService, type Service, serviceConfig } from '../harness/backend-client.ts'
import { type JwksServer, startJwksServer } from '../harness/jwks-server.ts'
import { type Keyward, startKeyward } from '../harness/keyward.ts'

const first = newClientKey('ES384')
const second = newClientKey('ES384')

let server: JwksServer
let keyward: Keyward
let remote: Service
let other: Service

beforeEach(async () => {
  server = await startJwksServer()
  keyward = await startKeyward({
    change: (config) => ({
      ...config,
      outbound: { allowedHosts: [server.host] },
      clients: [
        ...config.clients,
        serviceConfig('remote', first, { jwks: undefined, jwks_uri: server.uri }),
        serviceConfig('silent', first, { jwks: undefined, jwks_uri: `http://${server.host}/silent` }),
        serviceConfig('unreachable', first, { jwks: undefined, jwks_uri: 'http://127.0.0.1:9/jwks' }),
        serviceConfig('inside', first, {
          jwks: undefined,
          jwks_uri: `https://[::ffff:127.0.0.1]:${server.host.split(':')[1]}/jwks`
        }),
        serviceConfig('other', second)
      ]
    })
  })
  remote = newService(keyward.issuer, 'remote', first)
  other = newService(keyward.issuer, 'other', second)
})
afterEach(async () => {
  await keyward.stop()
  await server.stop()
})

describe('case 54: F26: keys at an address', () => {
  test('SM-067, SM-132, SM-137: a client changes its keys by itself, and the new one works at once', async () => {
    server.publish([first.jwk], { 'cache-control': 'max-age=3600' })
    expect(await remote.token()).toMatchObject({ status: 200 })
    const renewed = newService(keyward.issuer, 'remote', second)
    expect(await renewed.token()).toMatchObject({ status: 401 })
    server.publish([second.jwk, first.jwk], { 'cache-control': 'max-age=3600' })
    expect(await renewed.token()).toMatchObject({ status: 200 })
    expect(await remote.token()).toMatchObject({ status: 200 })
    expect(server.requests).toHaveLength(3)
  })

  test('an address that never answers: 64 requests are refused for one fetch, and another client is served meanwhile', async () => {
    server.answer(() => undefined)
    const waiting = Promise.all(Array.from({ length: 64 }, () => remote.token()))
    expect(await other.token()).toMatchObject({ status: 200 })
    const answers = await waiting
    expect(server.requests).toHaveLength(1)
    for (const answer of answers) expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    expect(await other.token()).toMatchObject({ status: 200 })
    const told = (await keyward.auditEvents('token')).filter(({ clientId }) => clientId === 'remote')
    expect(new Set(told.map(({ reason }) => reason))).toEqual(new Set(['invalid_client: key: timed-out']))
  })

  test('one client whose address never answers is left alone, and not those whose keys are on the same host', async () => {
    const sets = new Map([[`/jwks.json`, [first.jwk]]])
    server.answer((request, response) => {
      const keys = sets.get(request.url ?? '')
      if (keys)
        response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify({ keys }))
      else request.socket.destroy()
    })
    const silent = newService(keyward.issuer, 'silent', first)
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const reasons = []
      for (let time = 0; time < 7; time++) {
        vi.setSystemTime(Date.now() + 5001)
        expect(await silent.token()).toMatchObject({ status: 401 })
        reasons.push((await keyward.auditEvents('token')).at(-1)?.reason)
      }
      expect(reasons[4]).toBe('invalid_client: key: unreachable')
      expect(reasons[5]).toBe('invalid_client: key: host-left-alone')
      expect(await remote.token()).toMatchObject({ status: 200 })
    } finally {
      vi.useRealTimers()
    }
  })

  test('SM-138: SM-140: an address of this machine is not asked, whatever listens there', async () => {
    server.publish([first.jwk])
    expect(await newService(keyward.issuer, 'inside', first).token()).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' }
    })
    expect(await newService(keyward.issuer, 'unreachable', first).token()).toMatchObject({ status: 401 })
    expect(server.requests).toEqual([])
    const told = (await keyward.auditEvents('token')).map(({ reason }) => reason)
    expect(told).toEqual(['invalid_client: key: address-not-allowed', 'invalid_client: key: url-not-allowed'])
  })
})
