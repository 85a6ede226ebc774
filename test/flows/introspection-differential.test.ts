/**
 * Introspection is a handler of our own. Here the engine's stands beside it, on the
 * same store with the same configuration, and both are asked about the same
 * tokens: whoever changes ours, or upgrades the engine, sees where they part.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createConsents } from '../../src/consent/consents.ts'
import { basic, introspect } from '../harness/app-client.ts'
import { type BareEngine, startBareEngine } from '../harness/bare-engine.ts'
import { FHIR_BASE, SECRETS } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newVisit, strictly, type Visit } from '../harness/visit.ts'

/** What both say, where both say it. */
const MEMBERS = ['active', 'scope', 'client_id', 'sub', 'exp', 'iat', 'token_type', 'aud', 'iss'] as const

describe.each(STORES)("our introspection and the engine's on %s", (store) => {
  let keyward: Keyward
  let engine: BareEngine
  let visit: Visit
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: strictly })
    expect(await storeOf(keyward.issuer)).toBe(store)
    engine = await startBareEngine(keyward)
    visit = newVisit(keyward)
  })
  afterEach(() => void vi.useRealTimers())
  afterAll(async () => {
    engine.stop()
    await keyward.stop()
  })

  async function both(token: string, by: 'clinic-fhir' | 'other-fhir' = 'clinic-fhir') {
    const ours = await introspect(keyward.issuer, token, by)
    const headers = { Authorization: basic(by, SECRETS[by]) }
    const answer = await fetch(`${engine.url}/token/introspection`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ token })
    })
    const theirs: Record<string, unknown> = JSON.parse(await answer.text())
    return { ours: ours.body, theirs, statuses: [ours.status, answer.status] }
  }

  async function expectSame(token: string, active: boolean, by?: 'clinic-fhir' | 'other-fhir'): Promise<void> {
    const { ours, theirs, statuses } = await both(token, by)
    expect(statuses).toEqual([200, 200])
    const common = (answer: Record<string, unknown>) => Object.fromEntries(MEMBERS.map((name) => [name, answer[name]]))
    expect(common(ours)).toEqual(common(theirs))
    expect(theirs.active).toBe(active)
    if (!active) expect(ours).toEqual({ active: false })
  }

  test.each([
    ['of a patient', {}, {}],
    ['of a clinician', { scope: 'openid user/Patient.rs', prompt: 'login' }, { username: 'dr.lee' }],
    ['that ends with the session', { scope: 'openid online_access launch/patient patient/Patient.rs', prompt: 'login' }, {}]
  ] as const)('an active token %s is described alike', async (_, params, as) => {
    const { access } = await visit.tokens(params, as)
    await expectSame(access, true)
  })

  test('a refreshed token, and one narrowed on refresh, are described alike', async () => {
    const { refresh } = await visit.tokens()
    const { body } = await visit.app.refresh(refresh)
    await expectSame(body.access_token ?? '', true)
    const narrowed = await visit.app.refresh(body.refresh_token ?? '', { scope: 'openid patient/Patient.rs' })
    await expectSame(narrowed.body.access_token ?? '', true)
  })

  test('a token is active up to its last second and not from then on, for both', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { access } = await visit.tokens()
    const { exp } = (await introspect(keyward.issuer, access)).body
    vi.setSystemTime(Number(exp) * 1000 - 1)
    await expectSame(access, true)
    vi.setSystemTime(Number(exp) * 1000)
    await expectSame(access, false)
  })

  test.each<[string, () => Promise<string>]>([
    [
      'revoked token',
      async () => {
        const { access } = await visit.tokens()
        await visit.app.revoke(access)
        return access
      }
    ],
    [
      'token of a family that ended',
      async () => {
        const { access, refresh } = await visit.tokens()
        await visit.app.refresh(refresh)
        await visit.app.refresh(refresh)
        return access
      }
    ],
    ['refresh token', async () => (await visit.tokens()).refresh],
    ['code', () => visit.code()],
    ['unknown token', async () => `kw_at_AAAAAAAA.${'A'.repeat(43)}`],
    ['garbage', async () => 'garbage'],
    ['a letter', async () => 'x']
  ])('a %s is inactive for both', async (_, tokenOf) => {
    await expectSame(await tokenOf(), false)
  })

  test('a token is inactive for the FHIR server of another base URL, for both', async () => {
    await expectSame((await visit.tokens()).access, false, 'other-fhir')
  })

  test('where they part on purpose: a JWT is a mistake to the engine, and inactive here', async () => {
    const { ours, theirs, statuses } = await both('e30.e30.x')
    expect({ ours, theirs: theirs.error, statuses }).toEqual({
      ours: { active: false },
      theirs: 'unsupported_token_type',
      statuses: [200, 400]
    })
  })

  test('where they part on purpose: ours has the context of the launch, and knows of consents that were stopped', async () => {
    const { access } = await visit.tokens()
    const before = await both(access)
    expect(before.ours).toMatchObject({ patient: 'leo', fhirUser: `${FHIR_BASE}/Patient/maria` })
    expect(before.theirs).not.toHaveProperty('patient')
    const consents = createConsents({ store: keyward.store, now: Date.now })
    const { sub } = before.ours
    for await (const { patient, consentId } of consents.of(String(sub))) {
      if (patient === 'leo') await consents.end(String(sub), consentId)
    }
    const after = await both(access)
    expect([after.ours.active, after.theirs.active]).toEqual([false, true])
  })
})
