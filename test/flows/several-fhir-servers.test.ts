import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { authorize, introspect } from '../harness/app-client.ts'
import { FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newVisit, pressAtAccount, tokensIn, type Visit, withoutSecondFactor } from '../harness/visit.ts'

const INACTIVE = '{"active":false}'
const OTHER_BASE = 'http://localhost:9011/fhir'
const SCOPE = 'openid fhirUser offline_access launch/patient patient/Patient.rs'
const AT_OTHER = { aud: OTHER_BASE, scope: SCOPE }

/** Maria has a record at both. */
function atBoth(config: Config): Config {
  const { accounts, ...others } = withoutSecondFactor(config)
  const patients = [{ id: 'm-2', relationship: 'self', name: 'Maria Diaz' }]
  const person = { fhirServer: 'other', fhirUser: 'Patient/m-2', patients }
  return {
    ...others,
    accounts: accounts.map((one) => (one.username === 'maria' ? { ...one, people: [...one.people, person] } : one))
  }
}

describe.each(STORES)('several FHIR servers on %s', (store) => {
  let keyward: Keyward
  let visit: Visit
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: atBoth })
    expect(await storeOf(keyward.issuer)).toBe(store)
    visit = newVisit(keyward)
  })
  afterAll(() => keyward.stop())

  test('SM-009, SM-276: a token for one is active there and inactive for the other, whichever it is', async () => {
    const [clinic, other] = [await visit.tokens({ scope: SCOPE }), await visit.tokens(AT_OTHER)]
    expect((await introspect(keyward.issuer, clinic.access, 'clinic-fhir')).body).toMatchObject({
      active: true,
      aud: FHIR_BASE,
      patient: 'leo',
      fhirUser: `${FHIR_BASE}/Patient/maria`
    })
    expect((await introspect(keyward.issuer, other.access, 'other-fhir')).body).toMatchObject({
      active: true,
      aud: OTHER_BASE,
      patient: 'm-2',
      fhirUser: `${OTHER_BASE}/Patient/m-2`
    })
    expect((await introspect(keyward.issuer, clinic.access, 'other-fhir')).text).toBe(INACTIVE)
    expect((await introspect(keyward.issuer, other.access, 'clinic-fhir')).text).toBe(INACTIVE)
  })

  test.each([FHIR_BASE, OTHER_BASE])('SM-009: %s is meant with a slash at its end as without', async (base) => {
    const by = base === FHIR_BASE ? 'clinic-fhir' : 'other-fhir'
    for (const aud of [base, `${base}/`]) {
      const { access } = await visit.tokens({ aud, scope: SCOPE })
      expect((await introspect(keyward.issuer, access, by)).body).toMatchObject({ active: true, aud: base })
    }
  })

  test.each([`${OTHER_BASE}/r4`, 'http://localhost:9011', 'https://localhost:9011/fhir'])(
    'SM-009: %s is no FHIR server of this Keyward',
    async (aud) => {
      const page = await authorize(visit.browser, visit.app.authorizationUrl({ aud, scope: SCOPE }))
      expect(() => visit.app.codeFrom(page)).toThrow('no code')
    }
  )

  test('SM-009, SM-232: a refresh stays at its FHIR server, and none can be asked for in its place', async () => {
    const { refresh } = await visit.tokens(AT_OTHER)
    const refused = await visit.app.refresh(refresh, { resource: FHIR_BASE })
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_target' } })
    const next = tokensIn(await visit.app.refresh(refresh, { resource: `${OTHER_BASE}/` }))
    expect(next.response.body).toMatchObject({ patient: 'm-2' })
    expect((await introspect(keyward.issuer, next.access, 'other-fhir')).body).toMatchObject({ active: true, aud: OTHER_BASE })
    expect((await introspect(keyward.issuer, next.access, 'clinic-fhir')).text).toBe(INACTIVE)
  })

  test('SM-009: each gets the scopes that it enforces, and no others', async () => {
    const scope = `${SCOPE} patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory`
    const clinic = await visit.tokens({ scope })
    const other = await visit.tokens({ aud: OTHER_BASE, scope })
    expect(clinic.response.body.scope).toContain('patient/Observation.rs?category=')
    expect(other.response.body.scope).not.toContain('Observation')
  })

  test('SM-009: an app that was let in at one has to ask at the other', async () => {
    await visit.tokens(AT_OTHER)
    for (let left = 0; left < 5; left++) {
      await visit.browser.open(`${keyward.issuer}/account`)
      if (!visit.browser.page.html.includes('>Heart App</h2>')) break
      await pressAtAccount(visit, keyward, 'stop')
    }
    const { access } = await visit.tokens({ scope: SCOPE })
    const page = await visit.browser.open(visit.app.authorizationUrl(AT_OTHER))
    expect(page.step).toBe('consent')
    expect((await introspect(keyward.issuer, access)).body.active).toBe(true)
  })
})
