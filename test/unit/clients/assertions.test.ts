/** Authentication by private_key_jwt: who is accepted, once. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { assertionForm, type Changes, claimsOf, encoded, newClientKey } from '../../harness/backend-client.ts'
import { type Asserting, asserted, FAILED, ISSUER, keys, now, startAsserting, TOKEN_URL } from './asserting.ts'

let asserting: Asserting
beforeAll(async () => {
  asserting = await startAsserting()
})
afterAll(() => asserting.stop())
const { RS384: rsa } = keys
const show = (assertion: string) => asserting.show(assertion)

describe('private_key_jwt', () => {
  test.each(['RS384', 'ES384'] as const)('SM-128: SM-132: SM-134: an assertion by %s is accepted', async (alg) => {
    expect(await show(asserted({}, {}, keys[alg]))).toMatchObject({
      ok: true,
      client: { client_id: 'service' },
      method: 'private_key_jwt'
    })
  })

  test('SM-130: the body may name the same client', async () => {
    expect(await asserting.authenticate({ ...assertionForm(asserted()), client_id: 'service' })).toMatchObject({ ok: true })
  })

  test.each([
    'not_an_assertion_type',
    'urn:ietf:params:oauth:client-assertion-type:saml2-bearer',
    'urn:ietf:params:oauth:client-assertion-type:JWT-bearer'
  ])('SM-124: case 44: the type of assertion %s is refused', async (client_assertion_type) => {
    expect(await asserting.authenticate({ client_assertion_type, client_assertion: asserted() })).toMatchObject(FAILED)
  })

  test('SM-124: an assertion without its type, or a type without an assertion, is refused', async () => {
    expect(await asserting.authenticate({ client_assertion: asserted() })).toMatchObject(FAILED)
    expect(await asserting.authenticate({ client_assertion_type: assertionForm('').client_assertion_type })).toMatchObject(FAILED)
  })

  test('SM-130: a body that names another client is refused', async () => {
    expect(await asserting.authenticate({ ...assertionForm(asserted()), client_id: 'svc' })).toMatchObject(FAILED)
  })

  test.each<[string, string, Changes]>([
    ['an unknown client', 'nobody', {}],
    ['a client with a secret', 'with-secret', {}],
    ['a public client', 'public', {}],
    ['a disabled client', 'gone', {}]
  ])('SM-123: SM-138: %s is refused', async (_who, clientId, claims) => {
    expect(await show(asserted(claims, {}, rsa, clientId))).toMatchObject(FAILED)
  })

  test.each<[string, Record<string, string>, string | undefined]>([
    ['a secret in a header', {}, `Basic ${btoa('service:secret')}`],
    ['a secret in the body', { client_secret: 'secret' }, undefined]
  ])('case 36: SM-123: an assertion beside %s is refused', async (_what, form, header) => {
    const answer = await asserting.authenticate({ ...assertionForm(asserted()), ...form }, header)
    expect(answer).toMatchObject({ ok: false, status: 400, error: 'invalid_request' })
  })

  test('case 36: a client with a key is refused by a secret, and by its name alone', async () => {
    expect(await asserting.authenticate({}, `Basic ${btoa('service:secret')}`)).toMatchObject(FAILED)
    expect(await asserting.authenticate({ client_id: 'service' })).toMatchObject(FAILED)
  })

  test('case 36: a secret beside an unsigned assertion is refused', async () => {
    const unsigned = `${encoded({ typ: 'JWT', alg: 'none', kid: 'rsa-1' })}.${encoded(claimsOf('with-secret', TOKEN_URL))}.`
    const header = `Basic ${btoa('with-secret:a secret')}`
    expect(await asserting.authenticate({}, header)).toMatchObject({ ok: true })
    expect(await asserting.authenticate(assertionForm(unsigned), header)).toMatchObject({ ok: false, status: 400 })
  })
})

describe('SM-129: case 47: an assertion is good once', () => {
  test('in sequence', async () => {
    const assertion = asserted()
    expect(await show(assertion)).toMatchObject({ ok: true })
    expect(await show(assertion)).toMatchObject({ ...FAILED, reason: 'assertion-used-before' })
  })

  test('the same jti in another assertion of the same client is refused', async () => {
    const jti = 'the-same'
    expect(await show(asserted({ jti }))).toMatchObject({ ok: true })
    expect(await show(asserted({ jti, exp: now() + 100 }, {}, keys.ES384))).toMatchObject(FAILED)
  })

  test('one that could not be verified has used up nothing', async () => {
    const jti = 'shown-badly'
    expect(await show(asserted({ jti }, {}, newClientKey('RS384', 'rsa-1')))).toMatchObject(FAILED)
    expect(await show(asserted({ jti }))).toMatchObject({ ok: true })
  })

  test('made before the store may have lost what was used, it is refused; made after it, accepted', async () => {
    asserting.raiseFence((now() + 1) * 1000)
    try {
      expect(await show(asserted())).toMatchObject({ ...FAILED, reason: 'before-fence' })
      expect(await show(asserted({ iat: undefined }))).toMatchObject({ ...FAILED, reason: 'before-fence' })
      expect(await show(asserted({ iat: now() + 1 }))).toMatchObject({ ok: true })
    } finally {
      asserting.raiseFence(0)
    }
  })
})

test('case 48: the same jti of two clients, and pairs that run together, are no replay', async () => {
  const shown: [string, string][] = [
    ['svc', '1x'],
    ['svc1', 'x'],
    ['svc', 'x'],
    ['svc1', '1x'],
    ['svc', '1:x'],
    ['svc', '4:svc1:x']
  ]
  for (const [clientId, jti] of shown)
    expect(await show(asserted({ jti }, {}, rsa, clientId))).toMatchObject({ ok: true, client: { client_id: clientId } })
})

describe('case 51: aud', () => {
  test.each([TOKEN_URL, ISSUER])('%s is accepted', async (aud) => {
    expect(await show(asserted({ aud }))).toMatchObject({ ok: true })
  })
  test.each([
    [`${ISSUER}/introspect`],
    [`${ISSUER}/`],
    [`${TOKEN_URL}/`],
    [`${TOKEN_URL}?a=b`],
    [`${TOKEN_URL}x`],
    [TOKEN_URL.slice(0, -1)],
    [TOKEN_URL.toUpperCase()],
    [TOKEN_URL.replace('https', 'http')],
    [[TOKEN_URL]],
    [[ISSUER, TOKEN_URL]],
    [{ 0: TOKEN_URL }]
  ])('%j is refused', async (aud) => {
    expect(await show(asserted({ aud }))).toMatchObject(FAILED)
  })
})
