/** Mistakes 31 and 32: what a conformance suite does not try, and what documents say that apps take at their word. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { introspect, newApp } from '../harness/app-client.ts'
import { assertionForm, newClientKey, newService, serviceConfig } from '../harness/backend-client.ts'
import { type Keyward, startKeyward } from '../harness/keyward.ts'
import { LAB_APP, newVisit, withoutSecondFactor } from '../harness/visit.ts'

const key = newClientKey('ES384')
const seconds = () => Math.floor(Date.now() / 1000)

let keyward: Keyward
beforeAll(async () => {
  keyward = await startKeyward({
    change: (config) => withoutSecondFactor({ ...config, clients: [...config.clients, serviceConfig('lab-sync', key)] })
  })
})
afterAll(() => keyward?.stop())

const service = () => newService(keyward.issuer, 'lab-sync', key)

test.each<[id: string, what: string, make: () => string]>([
  [
    'SM-128',
    'signed by another key',
    () => newService(keyward.issuer, 'lab-sync', { ...newClientKey('ES384'), kid: key.kid }).assertion()
  ],
  [
    'SM-128',
    'whose signature was cut off',
    () =>
      service()
        .assertion()
        .replace(/[^.]+$/, '')
  ],
  ['SM-127', 'that has expired', () => service().assertion({ exp: seconds() - 120 })],
  ['SM-127', 'that lasts an hour', () => service().assertion({ exp: seconds() + 3600 })],
  ['SM-126', 'for another server', () => service().assertion({ aud: 'https://elsewhere.example/token' })],
  ['SM-126', 'of another client', () => service().assertion({ iss: 'clinic-ehr', sub: 'clinic-ehr' })],
  ['SM-126', 'without a jti', () => service().assertion({ jti: undefined })]
])('%s, mistake 31: an assertion %s gives no token', async (_id, _what, make) => {
  const answer = await service().token(assertionForm(make()))
  expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
})

test('SM-129, mistake 31: an assertion is good once', async () => {
  const assertion = assertionForm(service().assertion())
  expect((await service().token(assertion)).status).toBe(200)
  expect(await service().token(assertion)).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
})

test('SM-121, mistake 31: a wrong secret gives nothing for a right code, and a code gives nothing twice', async () => {
  const lab = newVisit(keyward, LAB_APP)
  const code = await lab.code()
  const form = { grant_type: 'authorization_code', code, redirect_uri: LAB_APP.redirectUri, code_verifier: lab.app.verifier }
  const liar = newApp(keyward.issuer, { ...LAB_APP, secret: `${LAB_APP.secret}x` })
  const refused = await liar.post('/token', form)
  expect({ status: refused.status, scheme: refused.headers.get('www-authenticate') }).toEqual({
    status: 401,
    scheme: expect.stringMatching(/^Basic /)
  })
  const first = await lab.app.redeem(code)
  expect(first.status).toBe(200)
  expect((await lab.app.redeem(code)).status).toBe(400)
  expect((await introspect(keyward.issuer, first.body.access_token ?? '')).body.active).toBe(false)
})

test.each([
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/fhir/clinic/.well-known/smart-configuration'
])('mistake 32: %s is JSON with whole addresses, S256 alone, and an issuer beside sso-openid-connect', async (path) => {
  const answer = await fetch(`${keyward.issuer}${path}`, { headers: { Accept: 'text/html' } })
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
  const document: Record<string, unknown> = JSON.parse(await answer.text())
  expect(document).toMatchObject({ issuer: keyward.issuer, code_challenge_methods_supported: ['S256'] })
  const addresses = Object.entries(document).filter(([name]) => /_endpoint$|_uri$/.test(name))
  expect(addresses.length).toBeGreaterThan(3)
  for (const [name, address] of addresses)
    expect({ name, origin: new URL(String(address)).origin }).toEqual({ name, origin: keyward.issuer })
  if (path.startsWith('/fhir')) expect(document.capabilities).toContain('sso-openid-connect')
})
