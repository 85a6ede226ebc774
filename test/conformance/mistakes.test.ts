/**
 * Mistakes that authorization servers are known for, one test each: here those of a launch, its scopes and its tokens. The
 * others stand where what they are about is tested: `mistake N` in the name of a test finds it.
 */
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { authorize, basic, introspect, newApp } from '../harness/app-client.ts'
import { newClientKey, newService, serviceConfig } from '../harness/backend-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { APP_REDIRECT, FHIR_BASE, SECRETS } from '../harness/clinic-config.ts'
import { mint } from '../harness/ehr.ts'
import { type Keyward, startKeyward } from '../harness/keyward.ts'
import { LAB_APP, newVisit, type Visit, withoutSecondFactor } from '../harness/visit.ts'

const LAUNCH = 'openid fhirUser offline_access launch/patient'
const LABORATORY = 'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory'
const key = newClientKey('RS384')

let keyward: Keyward
let visit: Visit
beforeAll(async () => {
  keyward = await startKeyward({
    change: (config) => withoutSecondFactor({ ...config, clients: [...config.clients, serviceConfig('lab-sync', key)] })
  })
  visit = newVisit(keyward)
})
afterAll(() => keyward?.stop())

const sorted = (scope = ''): string[] => scope.split(' ').sort()
/** All that is asked for is ticked. */
const ALL = { tick: () => true }

/** What a doctor's launch from the EHR gives. */
async function launched(scope: string, params: Record<string, string> = {}) {
  const context = { client_id: 'heart-app', fhirServer: 'clinic', user: 'Practitioner/lee', patient: 'leo', encounter: 'visit-1' }
  const app = newApp(keyward.issuer)
  const url = app.authorizationUrl({ scope, launch: await mint(keyward.issuer, context), ...params })
  const page = await authorize(newBrowser(keyward.issuer), url, { username: 'dr.lee', ...ALL })
  return app.redeem(app.codeFrom(page))
}

test('mistake 1: scope holds launch, launch/patient, openid, fhirUser and offline_access too, in the answer and after a refresh', async () => {
  const standalone = `${LAUNCH} patient/Patient.rs`
  const { response, refresh } = await visit.tokens({ scope: standalone, prompt: 'consent' }, ALL)
  expect(sorted(response.body.scope)).toEqual(sorted(standalone))
  expect(sorted((await visit.app.refresh(refresh)).body.scope)).toEqual(sorted(standalone))
  const ehr = 'openid fhirUser offline_access launch user/Patient.rs'
  expect(sorted((await launched(ehr)).body.scope)).toEqual(sorted(ehr))
})

test('mistake 2: expires_in is a number, on refresh too', async () => {
  const { response, refresh } = await visit.tokens()
  for (const { text } of [response, await visit.app.refresh(refresh)]) expect(text).toMatch(/"expires_in":\d+[,}]/)
})

test('mistake 3: a refresh may name the whole granted scope, or less of it', async () => {
  const { response, refresh } = await visit.tokens()
  const whole = await visit.app.refresh(refresh, { scope: response.body.scope })
  expect({ status: whole.status, scope: sorted(whole.body.scope) }).toEqual({ status: 200, scope: sorted(response.body.scope) })
  const narrow = await visit.app.refresh(whole.body.refresh_token ?? '', { scope: 'launch/patient patient/Patient.rs' })
  expect({ status: narrow.status, scope: sorted(narrow.body.scope) }).toEqual({
    status: 200,
    scope: ['launch/patient', 'patient/Patient.rs']
  })
})

test('mistake 4: each refresh brings a refresh token that works, and an answer that got lost can be asked for again', async () => {
  const { refresh } = await visit.tokens()
  const first = await visit.app.refresh(refresh)
  expect(first.body.refresh_token).toMatch(/^kw_rt_/)
  const again = await visit.app.refresh(refresh)
  expect(again.body).toMatchObject({ access_token: first.body.access_token, refresh_token: first.body.refresh_token })
  expect((await visit.app.refresh(first.body.refresh_token ?? '')).status).toBe(200)
})

test('mistake 5: one scope that nobody knows does not cost the others', async () => {
  const scope = `${LAUNCH} patient/Patient.rs patient/NoSuchType.rs patient/Patient.x something:else`
  const { response } = await newVisit(keyward).tokens({ scope }, ALL)
  expect(sorted(response.body.scope)).toEqual(expect.arrayContaining(['launch/patient', 'openid', 'patient/Patient.rs']))
  expect(response.body.scope).not.toMatch(/something:else|Patient\.x/)
})

test.each(['patient/Patient.rs', 'patient/Patient.r', 'patient/Goal.read', LABORATORY])(
  'mistake 6: %s comes back as it was asked for',
  async (asked) => {
    const { response } = await newVisit(keyward).tokens({ scope: `launch/patient ${asked}` }, ALL)
    expect(sorted(response.body.scope)).toEqual(['launch/patient', asked])
  }
)

test('mistake 7: a category brings neither its whole type nor a wildcard', async () => {
  const { response, access } = await newVisit(keyward).tokens({ scope: `launch/patient ${LABORATORY}` }, ALL)
  for (const scope of [response.body.scope, (await introspect(keyward.issuer, access)).body.scope])
    expect(sorted(String(scope))).toEqual(['launch/patient', LABORATORY])
})

test('mistake 9: a bad code is 400, a bad grant type of a backend service is 400, a bad refresh is 400', async () => {
  expect(await visit.app.redeem('kw_ac_bad')).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  const backend = newService(keyward.issuer, 'lab-sync', key)
  expect((await backend.token({ grant_type: 'not_a_grant_type' })).status).toBe(400)
  expect(await visit.app.refresh('kw_rt_bad')).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  const { refresh } = await visit.tokens()
  expect((await newApp(keyward.issuer, { clientId: 'second-app' }).refresh(refresh)).status).toBe(400)
})

test.each([undefined, 'https://elsewhere.example/fhir', `${FHIR_BASE}/Patient`])(
  'mistake 10: with aud %s nobody is asked to sign in, and there is no code',
  async (aud) => {
    const page = await newBrowser(keyward.issuer).open(visit.app.authorizationUrl({ aud }))
    expect(page.step).toBe('')
    const { searchParams } = new URL(page.url)
    expect({ error: searchParams.get('error'), code: searchParams.get('code') }).toEqual({ error: 'invalid_request', code: null })
  }
)

test('mistake 11: the OpenID configuration lies under the issuer that id_tokens name', async () => {
  const { iss } = decodeJwt((await visit.tokens()).response.body.id_token ?? '')
  const document = await fetch(`${iss}/.well-known/openid-configuration`)
  expect(JSON.parse(await document.text()).issuer).toBe(iss)
})

test('mistake 13: fhirUser of a clinician is their Practitioner, in id_token and introspection', async () => {
  const { body } = await launched('openid fhirUser launch user/Practitioner.rs')
  expect(body.scope).toContain('user/Practitioner.rs')
  const { fhirUser } = decodeJwt(body.id_token ?? '')
  expect(fhirUser).toBe(`${FHIR_BASE}/Practitioner/lee`)
  expect((await introspect(keyward.issuer, body.access_token ?? '')).body.fhirUser).toBe(fhirUser)
})

test.each([
  ['as it stands', Buffer.from(`lab-app:${SECRETS['lab-app']}`).toString('base64')],
  ['form-encoded', basic('lab-app', SECRETS['lab-app']).slice('Basic '.length)]
])('mistake 20: Basic with a secret %s is understood, signs in it and all', async (_how, credentials) => {
  const lab = newVisit(keyward, LAB_APP)
  const form = { grant_type: 'authorization_code', redirect_uri: LAB_APP.redirectUri, code: await lab.code() }
  const proof = { ...form, code_verifier: lab.app.verifier }
  const answer = await lab.app.post('/token', proof, { Authorization: `Basic ${credentials}` })
  expect(answer.status).toBe(200)
})

test('mistake 21: a public app in a page gets an id_token, and may read it', async () => {
  const { origin } = new URL(APP_REDIRECT)
  const form = { grant_type: 'authorization_code', redirect_uri: APP_REDIRECT, code: await visit.code() }
  const proof = { client_id: 'heart-app', code_verifier: visit.app.verifier }
  const answer = await visit.app.post('/token', { ...form, ...proof }, { Origin: origin })
  expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
  const { id_token: token } = JSON.parse(await answer.text())
  await jwtVerify(token, createRemoteJWKSet(new URL(`${keyward.issuer}/jwks`)), { audience: 'heart-app', algorithms: ['RS256'] })
})

test('mistake 22: a second authorization of the same app leaves the first refresh token alone', async () => {
  const first = await visit.tokens()
  const second = await visit.tokens()
  for (const { refresh } of [first, second]) expect((await visit.app.refresh(refresh)).status).toBe(200)
})

test('mistake 24: an unknown token is 200 and {"active":false}, and nothing more', async () => {
  expect(await introspect(keyward.issuer, 'unknown')).toMatchObject({ status: 200, text: '{"active":false}' })
})

test('mistake 25: introspection has iss, sub and patient, and scope letter by letter as the answer had it', async () => {
  const { response, access } = await visit.tokens()
  const { sub } = decodeJwt(response.body.id_token ?? '')
  const { scope, patient } = response.body
  expect((await introspect(keyward.issuer, access)).body).toMatchObject({ iss: keyward.issuer, sub, scope, patient })
})

test('mistake 26: a code is good once, and used again it ends what it gave', async () => {
  const code = await visit.code()
  const { access_token: access = '' } = (await visit.app.redeem(code)).body
  expect(await visit.app.redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  expect((await introspect(keyward.issuer, access)).body.active).toBe(false)
})

test('mistake 27: a slash at the end of aud makes no other server', async () => {
  const { status, body } = await launched('openid fhirUser launch user/Patient.rs', { aud: `${FHIR_BASE}/` })
  expect({ status, patient: body }).toMatchObject({ status: 200, patient: { patient: 'leo', encounter: 'visit-1' } })
})

test('SM-208, mistake 28: user/ stays user/, and patient/ stays patient/', async () => {
  expect((await launched('launch user/Patient.rs')).body.scope).not.toContain('patient/')
  const { response } = await newVisit(keyward).tokens({ scope: 'launch/patient patient/Patient.rs' }, ALL)
  expect(response.body.scope).not.toContain('user/')
})

test.each(['system/Group.read', 'system/Patient.rs', 'system/*.rs', 'system/*.read'])(
  'mistake 30: a backend service may ask for %s, and gets it in these letters',
  async (scope) => {
    const { status, body } = await newService(keyward.issuer, 'lab-sync', key).token({ scope })
    expect({ status, scope: body.scope }).toEqual({ status: 200, scope })
  }
)
