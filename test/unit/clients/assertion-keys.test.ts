/** What the header of an assertion may say, and which key verifies it. */

import { createHmac, createSign, generateKeyPairSync, sign } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Changes, claimsOf, encoded, newClientKey } from '../../harness/backend-client.ts'
import { type Asserting, asserted, FAILED, keys, startAsserting, TOKEN_URL, weak } from './asserting.ts'

let asserting: Asserting
beforeAll(async () => {
  asserting = await startAsserting()
})
afterAll(() => asserting.stop())
const { RS384: rsa } = keys
const show = (assertion: string) => asserting.show(assertion)

describe('case 49: SM-125: SM-128: SM-134: the header', () => {
  const pem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const publicPem = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' })

  const content = (header: Changes) =>
    `${encoded({ typ: 'JWT', kid: 'rsa-1', ...header })}.${encoded(claimsOf('service', TOKEN_URL))}`
  const hmac = (header: Changes, secret: string | Buffer) => {
    const text = content(header)
    return `${text}.${createHmac('sha384', secret).update(text).digest('base64url')}`
  }
  test.each<[string, string]>([
    ['alg none without a signature', `${content({ alg: 'none' })}.`],
    ['alg none with a signature', `${content({ alg: 'none' })}.AAAA`],
    ['alg None', `${content({ alg: 'None' })}.AAAA`],
    ['alg HS256 under the public key', hmac({ alg: 'HS256' }, publicPem)],
    ['alg HS384 under the public key', hmac({ alg: 'HS384' }, JSON.stringify(rsa.jwk))],
    ['alg RS256', asserted({}, { alg: 'RS256' })],
    ['alg PS384', asserted({}, { alg: 'PS384' })],
    ['alg ES384 over an RSA signature', asserted({}, { alg: 'ES384' })],
    ['alg RS384 over an EC signature', asserted({}, { alg: 'RS384' }, keys.ES384)],
    ['no alg', asserted({}, { alg: undefined })],
    ['alg in lower case', asserted({}, { alg: 'rs384' })],
    ['crit', asserted({}, { crit: ['exp'] })],
    ['crit and b64 false', asserted({}, { crit: ['b64'], b64: false })],
    ['b64 false', asserted({}, { b64: false })],
    ['SM-125: no typ', asserted({}, { typ: undefined })],
    ['another typ', asserted({}, { typ: 'at+jwt' })],
    ['SM-125: no kid', asserted({}, { kid: undefined })],
    ['an empty kid', asserted({}, { kid: '' })],
    ['a kid that is a number', asserted({}, { kid: 1 })],
    ['an encrypted JWT', asserted({}, { enc: 'A256GCM' })],
    ['a signature by nobody', `${content({ alg: 'RS384' })}.${Buffer.alloc(256).toString('base64url')}`],
    ['an EC signature of zeros', `${content({ alg: 'ES384', kid: 'ec-1' })}.${Buffer.alloc(96).toString('base64url')}`],
    ['an EC signature in DER', derSigned()],
    ['a signature over other claims', spliced()]
  ])('%s is refused', async (_what, assertion) => {
    expect(await show(assertion)).toMatchObject(FAILED)
  })

  function derSigned(): string {
    const text = content({ alg: 'ES384', kid: 'ec-1' })
    return `${text}.${sign('sha384', Buffer.from(text), keys.ES384.privateKey).toString('base64url')}`
  }
  function spliced(): string {
    const [head, , signature] = asserted().split('.')
    return `${head}.${encoded(claimsOf('service', TOKEN_URL))}.${signature}`
  }

  test('another alg than the registered one is refused', async () => {
    expect(await show(asserted({}, {}, rsa, 'only-es384'))).toMatchObject({ ...FAILED, reason: 'other-alg-registered' })
    expect(await show(asserted({}, {}, keys.ES384, 'only-es384'))).toMatchObject({ ok: true })
  })

  test('the private key of a test is no use as an HMAC secret', async () => {
    expect(await show(hmac({ alg: 'HS384' }, pem))).toMatchObject(FAILED)
  })
})

describe('case 50: SM-131: SM-133: SM-140: where a key comes from', () => {
  const other = newClientKey('RS384', 'rsa-1')
  test.each<[string, Changes]>([
    ['jwk', { jwk: other.jwk }],
    ['x5c', { x5c: ['AAAA'] }],
    ['x5u', { x5u: 'FOREIGN' }],
    ['a jku, where the keys are registered inline', { jku: 'FOREIGN' }],
    ['a jku that is no text', { jku: [1] }],
    ['an unknown kid', { kid: 'rsa-2' }],
    ['a kid with the characters of a path', { kid: '../../../dev/null' }],
    ['a kid by the name of what every object has', { kid: '__proto__' }]
  ])('%s in the header is refused, and nothing is asked for', async (_what, header) => {
    const before = asserting.server.requests.length
    const named = Object.fromEntries(Object.entries(header).map(([k, v]) => [k, v === 'FOREIGN' ? asserting.server.uri : v]))
    expect(await show(asserted({}, named, other))).toMatchObject(FAILED)
    expect(await show(asserted({}, named))).toMatchObject(FAILED)
    expect(asserting.server.requests).toHaveLength(before)
  })

  test('mistake 19: a jku that is not the registered address is refused, and nothing is asked for', async () => {
    const uris = [
      `${asserting.server.uri}?a`,
      asserting.server.uri.replace('jwks', 'keys'),
      asserting.server.uri.toUpperCase(),
      'https://a.example/jwks',
      ''
    ]
    for (const jku of uris)
      expect(await show(asserted({}, { jku }, rsa, 'with-uri'))).toMatchObject({ ...FAILED, reason: 'key: foreign-jku' })
    expect(asserting.server.requests).toHaveLength(0)
  })

  test('SM-131, mistake 19: a jku that is the registered address is good', async () => {
    expect(await show(asserted({}, { jku: asserting.server.uri }, rsa, 'with-uri'))).toMatchObject({ ok: true })
  })

  test('SM-133: two keys with the same kid and type are none, and of two types the one that fits', async () => {
    expect(await show(asserted({}, {}, rsa, 'doubled'))).toMatchObject({ ...FAILED, reason: 'key: several-such-keys' })
    expect(await show(asserted({}, {}, rsa, 'two-types'))).toMatchObject({ ok: true })
  })
})

test('case 52: a registered key that is too weak verifies nothing', async () => {
  const text = `${encoded({ typ: 'JWT', alg: 'RS384', kid: 'weak-1' })}.${encoded(claimsOf('weak', TOKEN_URL))}`
  const signature = createSign('sha384').update(text).sign(weak.privateKey, 'base64url')
  expect(await show(`${text}.${signature}`)).toMatchObject({ ...FAILED, reason: 'key: weak-key' })
})
