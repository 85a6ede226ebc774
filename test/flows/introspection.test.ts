import { createHmac } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { basic, introspect } from '../harness/app-client.ts'
import { FHIR_BASE, SECRETS } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { LAB_APP, newVisit, recorded, theRecordOf, type Visit, withoutSecondFactor } from '../harness/visit.ts'

const INACTIVE = '{"active":false}'
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

describe.each(STORES)('introspection on %s', (store) => {
  let keyward: Keyward
  let visit: Visit
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withoutSecondFactor })
    expect(await storeOf(keyward.issuer)).toBe(store)
    visit = newVisit(keyward)
  })
  afterEach(() => void vi.useRealTimers())
  afterAll(() => keyward.stop())

  async function ask(token: string, headers: Record<string, string>, form: Record<string, string> = {}) {
    const body = new URLSearchParams({ token, ...form })
    const answer = await fetch(`${keyward.issuer}/introspect`, { method: 'POST', headers, body })
    return { status: answer.status, text: await answer.text(), headers: answer.headers }
  }
  const byFhirServer = { Authorization: basic('clinic-fhir', SECRETS['clinic-fhir']) }

  test.each([
    ['the FHIR server of another base URL', 'other-fhir', 'heart-app'],
    ['another app', 'lab-app', 'heart-app'],
    ['the app that owns the token', 'lab-app', 'lab-app']
  ] as const)('case 69: %s learns nothing, in JSON or as a JWT', async (_, caller, owner) => {
    const { access } = await (owner === 'lab-app' ? newVisit(keyward, LAB_APP, visit.browser) : visit).tokens()
    const headers = { Authorization: basic(caller, SECRETS[caller]) }
    for (const accept of ['application/json', 'application/token-introspection+jwt', '*/*']) {
      const event = await theRecordOf(keyward, async () => {
        const answer = await ask(access, { ...headers, Accept: accept })
        expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: INACTIVE })
        expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
        expect(answer.headers.get('cache-control')).toBe('no-store')
      })
      expect(event).toMatchObject({ type: 'introspection', outcome: 'refused', reason: 'not-for-this-caller', clientId: caller })
    }
    expect((await introspect(keyward.issuer, access)).body.active).toBe(true)
  })

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['nobody', {}, {}],
    ['the public app itself', {}, { client_id: 'heart-app' }],
    ['the app with its token as Bearer', { Authorization: 'Bearer x' }, {}],
    ['a wrong secret', { Authorization: basic('clinic-fhir', 'wrong') }, {}],
    ['an empty secret', { Authorization: basic('heart-app', '') }, {}],
    ['an unknown client', { Authorization: basic('nobody', 'x') }, {}],
    ['a secret in the form', {}, { client_id: 'clinic-fhir', client_secret: SECRETS['clinic-fhir'] }]
  ])('case 69: %s is answered with 401', async (_, headers, form) => {
    const { access } = await visit.tokens()
    const event = await theRecordOf(keyward, async () => {
      const answer = await ask(access, headers, form)
      // RFC 6750 §3.1 has a word of its own for a token that is worth nothing here.
      const byToken = headers.Authorization?.startsWith('Bearer ') === true
      const error = byToken ? 'invalid_token' : 'invalid_client'
      expect({ status: answer.status, error: JSON.parse(answer.text).error }).toEqual({ status: 401, error })
      expect(answer.headers.get('www-authenticate')).toMatch(byToken ? /^Bearer / : /^Basic /)
    })
    expect(event).toEqual({ type: 'introspection', outcome: 'refused', reason: 'unauthenticated' })
  })

  /** Tokens that try to be more than they are, made from a real one. */
  const forgeries: [string, (access: string) => string][] = [
    ['a JWT with a real jti and alg none', (access) => `${encoded({ alg: 'none' })}.${encoded({ jti: access })}.`],
    ['a JWT with a real jti and no alg', (access) => `${encoded({ typ: 'at+jwt' })}.${encoded({ jti: access })}.x`],
    [
      'a JWT with a real jti and a signature of its own',
      (access) => {
        const signed = `${encoded({ alg: 'HS256' })}.${encoded({ jti: access, iss: 'x', aud: FHIR_BASE, exp: 9e9 })}`
        return `${signed}.${createHmac('sha256', 'x').update(signed).digest('base64url')}`
      }
    ],
    ['a JWT with a real jti cut short', (access) => `${encoded({ alg: 'RS256' })}.${encoded({ jti: access }).slice(0, -4)}`],
    ['a real token with parts of a JWT after it', (access) => `${access}.e30.x`],
    ['a real token cut short', (access) => access.slice(0, -1)],
    ['a real token without its prefix', (access) => access.slice('kw_at_'.length)],
    ['a real token under the prefix of another kind', (access) => access.replace('kw_at_', 'kw_rt_')]
  ]
  test.each(forgeries)('case 70: SM-265: %s is inactive, and nothing to revoke', async (_, forge) => {
    const { access } = await visit.tokens()
    const token = forge(access)
    expect(await ask(token, byFhirServer)).toMatchObject({ status: 200, text: INACTIVE })
    const event = await theRecordOf(keyward, async () => {
      expect((await visit.app.revoke(token)).status).toBe(200)
    })
    expect(event).toMatchObject({ type: 'revocation', outcome: 'refused', reason: 'no-such-token' })
    expect((await introspect(keyward.issuer, access)).body.active).toBe(true)
  })

  test('case 71: SM-152, SM-265: expired, revoked, unknown, malformed and foreign tokens are answered alike, byte by byte', async () => {
    const elsewhere = await startKeyward({ change: withoutSecondFactor })
    const foreign = (await newVisit(elsewhere).tokens()).access
    await elsewhere.stop()
    vi.useFakeTimers({ toFake: ['Date'] })
    const [expired, revoked] = [await visit.tokens(), await visit.tokens()]
    await visit.app.revoke(revoked.access)
    expect((await introspect(keyward.issuer, expired.access)).body.active).toBe(true)
    vi.setSystemTime(Date.now() + 901_000)
    const { access, refresh, response } = await visit.tokens()
    const tokens = {
      expired: expired.access,
      revoked: revoked.access,
      unknown: `${access.slice(0, -4)}AAAA`,
      malformed: 'not a token é %00 {}',
      foreign,
      'refresh token': refresh,
      'id token': response.body.id_token ?? '',
      long: 'kw_at_'.repeat(5000)
    }
    const answers = new Map<string, string[]>()
    const records = await recorded(keyward, async () => {
      for (const [what, token] of Object.entries(tokens)) {
        const { status, text, headers } = await ask(token, byFhirServer)
        const { date: _date, 'x-request-id': _id, ...others } = Object.fromEntries(headers)
        const answer = JSON.stringify({ status, text, others })
        answers.set(answer, [...(answers.get(answer) ?? []), what])
      }
    })
    expect([...answers.values()]).toEqual([Object.keys(tokens)])
    expect(await ask(tokens.revoked, byFhirServer)).toMatchObject({ status: 200, text: INACTIVE })
    // Asked by the FHIR server about its own: answered, not refused, and too often to be recorded.
    expect(records).toEqual([])
  })

  test('case 73: SM-259, SM-262: an active answer says what the token response said', async () => {
    const { response, access } = await visit.tokens()
    const before = Math.floor(Date.now() / 1000)
    const { status, text, body } = await introspect(keyward.issuer, access)
    expect(status).toBe(200)
    const { scope, patient, expires_in, id_token } = response.body
    const claims = JSON.parse(Buffer.from(id_token?.split('.')[1] ?? '', 'base64url').toString())
    const iat = Number(body.iat)
    expect(body).toEqual({
      active: true,
      iss: keyward.issuer,
      sub: claims.sub,
      client_id: 'heart-app',
      aud: FHIR_BASE,
      scope,
      token_type: response.body.token_type,
      iat,
      exp: iat + (expires_in ?? 0),
      patient,
      fhirUser: claims.fhirUser
    })
    expect(Math.abs(iat - before)).toBeLessThanOrEqual(2)
    expect(claims.fhirUser).toBe(`${FHIR_BASE}/Patient/maria`)
    expect(text).not.toContain(access)
  })

  test('case 73: without the scopes for them, fhirUser and patient are in neither answer', async () => {
    const { response, access } = await newVisit(keyward).tokens({ scope: 'openid user/Patient.rs' }, { username: 'dr.lee' })
    const { body } = await introspect(keyward.issuer, access)
    expect(body).toMatchObject({ active: true, scope: response.body.scope })
    expect(body).not.toHaveProperty('patient')
    expect(body).not.toHaveProperty('fhirUser')
    expect(response.body).not.toHaveProperty('patient')
  })

  test.each(['GET', 'PUT', 'DELETE'])('%s /introspect is 405, with nothing looked at', async (method) => {
    const answer = await fetch(`${keyward.issuer}/introspect?token=x`, { method, headers: byFhirServer })
    expect({ status: answer.status, allow: answer.headers.get('allow') }).toEqual({ status: 405, allow: 'POST' })
  })
})
