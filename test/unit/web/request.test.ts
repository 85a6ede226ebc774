import { afterEach, describe, expect, test } from 'vitest'
import { limitKeyOf, sourceOf } from '../../../src/web/request.ts'
import type { Served } from './app.ts'
import { ask, serve } from './app.ts'

describe('request context', () => {
  let served: Served
  afterEach(() => served.close())

  async function seen(headers: Record<string, string>, trustedProxies: string[]): Promise<unknown> {
    served = await serve({
      trustedProxies,
      before: [
        async (ctx) => {
          ctx.body = {
            ...sourceOf(ctx),
            ip: ctx.ip,
            secure: ctx.secure,
            host: ctx.host,
            forwarded: Object.keys(ctx.headers).filter((name) => /forwarded|cert|real/.test(name))
          }
        }
      ]
    })
    const answer = await ask(served, '/', { headers: { Host: 'kept.example', ...headers } })
    const { requestId, ...rest }: Record<string, unknown> = JSON.parse(answer.text)
    expect(requestId).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-/)
    expect(answer.headers['x-request-id']).toBe(requestId)
    return rest
  }

  test('case 128: forwarding and certificate headers of an untrusted peer are gone before anybody reads them', async () => {
    const headers = {
      'X-Forwarded-For': '203.0.113.9',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'evil.example',
      Forwarded: 'for=1.2.3.4',
      'X-Real-IP': '1.2.3.4',
      'X-SSL-Client-Cert': 'x',
      'X-Client-Cert': 'x',
      'Client-Cert': 'x',
      'X-Request-Id': 'mine'
    }
    expect(await seen(headers, ['10.0.0.0/8'])).toEqual({
      address: '127.0.0.1',
      ip: '127.0.0.1',
      secure: false,
      host: 'kept.example',
      forwarded: []
    })
  })

  test.each([
    ['the last untrusted hop', '198.51.100.7, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
    ['one hop with a port', '203.0.113.9:5000', '203.0.113.9'],
    ['an IPv6 hop in brackets', '[2001:DB8::7]:443', '2001:db8::7'],
    ['an IPv4 address in IPv6 clothes', '::ffff:203.0.113.9', '203.0.113.9'],
    ['the first, where all are trusted', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['the peer, where the hop is no address', '203.0.113.9, unknown', '127.0.0.1'],
    ['the peer, where there is none', ' , ', '127.0.0.1']
  ])('case 128: a trusted proxy names %s', async (_what, hops, address) => {
    expect(await seen({ 'X-Forwarded-For': hops }, ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'])).toMatchObject({
      address,
      ip: address
    })
  })

  test('case 128: a trusted proxy names protocol and host by its own, last value', async () => {
    const headers = { 'X-Forwarded-Proto': 'http, HTTPS', 'X-Forwarded-Host': 'evil.example, named.example' }
    expect(await seen(headers, ['127.0.0.0/8'])).toMatchObject({
      secure: true,
      host: 'named.example',
      forwarded: ['x-forwarded-proto']
    })
  })
})

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['2001:0DB8:0001:2::', '2001:db8:1:2::/64'],
  ['64:ff9b::1.2.3.4', '64:ff9b:0:0::/64']
])('the limits count %s as %s', (address, key) => {
  expect(limitKeyOf(address)).toBe(key)
})
