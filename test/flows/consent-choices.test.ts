import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type AppClient, introspect, newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { post, stateOf, walkTo } from '../harness/on-pages.ts'
import { recorded, withoutSecondFactor } from '../harness/visit.ts'

const TOLD = ['launch/patient', 'openid']
const [ALLERGIES, VACCINES, PERSONAL] = [
  'patient/AllergyIntolerance.rs',
  'patient/Immunization.rs',
  'patient/Patient.rs'
] as const
const BOXES = [ALLERGIES, VACCINES, PERSONAL]
const SUBSETS = [[ALLERGIES], [VACCINES], [PERSONAL], [ALLERGIES, VACCINES], [ALLERGIES, PERSONAL], [VACCINES, PERSONAL], BOXES]

describe.each(STORES)('what a person chooses, on %s', (store) => {
  let keyward: Keyward
  let browser: Browser
  let app: AppClient
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withoutSecondFactor })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward.stop())
  beforeEach(() => {
    browser = newBrowser(keyward.issuer)
    app = newApp(keyward.issuer)
  })

  async function open(kinds: string[], told = TOLD): Promise<void> {
    await walkTo(browser, app.authorizationUrl({ scope: [...told, ...kinds].join(' '), prompt: 'consent' }), 'consent')
  }

  const offered = () => browser.form().checkboxes.map(({ value }) => value)
  const ticked = () => browser.form().checkboxes.flatMap(({ value, checked }) => (checked ? [value] : []))

  /** The scopes of the tokens after these boxes were sent. */
  async function scopesAfter(scope: string[], duration = '1year'): Promise<string[]> {
    const callback = await browser.submit({ decision: 'allow', scope, duration })
    const { body } = await app.redeem(app.codeFrom(callback))
    const seen = await introspect(keyward.issuer, body.access_token ?? '')
    expect(String(seen.body.scope).split(' ').sort()).toEqual(body.scope?.split(' ').sort())
    return body.scope?.split(' ').sort() ?? []
  }

  test('case 97: SM-104: Don’t share gives the app access_denied, and nobody a grant', async () => {
    await open(BOXES)
    const before = await stateOf(keyward)
    const records = await recorded(keyward, () => browser.submit({ decision: 'deny' }))
    const answer = new URL(browser.page.url)
    expect(`${answer.origin}${answer.pathname}`).toBe('http://localhost:9002/app')
    expect(Object.fromEntries(answer.searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'state-of-the-app',
      iss: keyward.issuer
    })
    expect(answer.searchParams.has('code')).toBe(false)
    const after = await stateOf(keyward)
    expect([after.Grant, after.consent, after.AuthorizationCode]).toEqual([
      before.Grant,
      before.consent,
      before.AuthorizationCode
    ])
    // Two decisions: the person's, and the server's answer to the app.
    expect(records.map(({ event }) => event)).toEqual([
      expect.objectContaining({
        type: 'consent',
        outcome: 'refused',
        reason: 'denied-by-person',
        patient: 'leo',
        scopes: [],
        notGranted: [...TOLD, ...BOXES]
      }),
      expect.objectContaining({ type: 'authorization', outcome: 'refused', clientId: 'heart-app' })
    ])
  })

  test('case 97: Don’t share leaves what was allowed before as it is', async () => {
    await open(BOXES)
    await scopesAfter(BOXES)
    const before = await stateOf(keyward)
    await open(BOXES)
    await browser.submit({ decision: 'deny' })
    const after = await stateOf(keyward)
    expect([after.Grant, after.consent]).toEqual([before.Grant, before.consent])
  })

  test.each(SUBSETS)('case 97: SM-098, SM-101: exactly the boxes that are sent are granted: %s', async (...some) => {
    await open(BOXES)
    expect(await scopesAfter(some)).toEqual([...TOLD, ...some].sort())
  })

  test('case 97: no box at all gives the app only who has signed in', async () => {
    await open(BOXES)
    expect(await scopesAfter([])).toEqual(TOLD)
  })

  test('case 97: no box at all is asked about once more where the app would learn nothing', async () => {
    await open(BOXES, ['launch/patient'])
    const before = await stateOf(keyward)
    const page = await browser.submit({ decision: 'allow', scope: [] })
    expect(page.status).toBe(422)
    expect(page.html).toContain('Nothing is on.')
    expect(await stateOf(keyward)).toEqual(before)
  })

  test('case 97: SM-105: a narrower second decision takes away from what the first one gave', async () => {
    await open(BOXES)
    const callback = await browser.submit({ decision: 'allow', scope: BOXES })
    const { body } = await app.redeem(app.codeFrom(callback))
    app = newApp(keyward.issuer)
    await open(BOXES)
    await scopesAfter(['patient/Patient.rs'])
    const seen = await introspect(keyward.issuer, body.access_token ?? '')
    expect(String(seen.body.scope).split(' ').sort()).toEqual([...TOLD, 'patient/Patient.rs'])
  })

  describe('switches that cover others', () => {
    const CATEGORY = 'patient/Condition.rs?category='
    const broadOf = {
      everything: ['patient/*.rs', 'patient/*.rs'],
      'a whole type': ['patient/Condition.rs', 'patient/Condition.rs']
    } as const

    test.each(Object.entries(broadOf))('case 97: %s counts while all that it covers is on', async (_name, [asked, broad]) => {
      await open([asked])
      const all = offered()
      expect(all.filter((scope) => scope.startsWith(CATEGORY)).length).toBeGreaterThan(1)
      expect(await scopesAfter(all)).toContain(broad)
    })

    test.each(Object.entries(broadOf))(
      'case 97: %s does not count while one thing that it covers is off',
      async (_name, [asked, broad]) => {
        await open([asked])
        const off = offered().find((scope) => scope.startsWith(CATEGORY))
        const rest = offered().filter((scope) => scope !== off)
        const granted = await scopesAfter(rest)
        expect(granted).toEqual([...TOLD, ...rest.filter((scope) => scope !== broad)].sort())
      }
    )

    test('case 97: to see, to add and to delete are switches of their own', async () => {
      await open(['patient/Immunization.cruds'])
      expect(offered().sort()).toEqual(['patient/Immunization.cu', 'patient/Immunization.d', 'patient/Immunization.rs'])
      expect(ticked()).toEqual(['patient/Immunization.rs'])
      expect(await scopesAfter(['patient/Immunization.rs', 'patient/Immunization.cu'])).toEqual(
        [...TOLD, 'patient/Immunization.cu', 'patient/Immunization.rs'].sort()
      )
    })
  })

  describe('the page drawn anew', () => {
    test.each<[string, string[]]>([
      ['all', BOXES],
      ['none', []],
      ['keep', ['patient/Immunization.rs']]
    ])('case 97: select=%s turns switches, and decides nothing', async (select, expected) => {
      await open(BOXES)
      const before = await stateOf(keyward)
      const records = await recorded(keyward, () =>
        browser.submit({ select, scope: ['patient/Immunization.rs'], duration: '3months' })
      )
      expect({ status: browser.page.status, step: browser.page.step }).toEqual({ status: 200, step: 'consent' })
      expect(ticked().sort()).toEqual(expected)
      expect(browser.form().radios.filter(({ checked }) => checked)).toEqual([])
      expect(await stateOf(keyward)).toEqual(before)
      expect(records).toEqual([])
      expect(await scopesAfter(ticked())).toEqual([...TOLD, ...expected].sort())
    })

    test('case 97: the switch of a group turns all of it on, and off where all of it is on, and leaves the others', async () => {
      const problems = ['problem-list-item', 'encounter-diagnosis'].map(
        (code) => `patient/Condition.rs?category=http://terminology.hl7.org/CodeSystem/condition-category|${code}`
      )
      await open([...problems, VACCINES, ALLERGIES])
      await browser.submit({ select: 'problems', scope: [...problems.slice(0, 1), VACCINES] })
      expect(ticked().sort()).toEqual([...problems, VACCINES].sort())
      await browser.submit({ select: 'problems', scope: ticked() })
      expect(ticked()).toEqual([VACCINES])
      await browser.submit({ select: 'allergies', scope: ticked() })
      expect(ticked().sort()).toEqual([ALLERGIES, VACCINES].sort())
      await browser.submit({ select: 'no-such-group', scope: ticked() })
      expect(ticked().sort()).toEqual([ALLERGIES, VACCINES].sort())
    })

    test('case 97: what was picked of the durations stays', async () => {
      await open([...BOXES, 'offline_access'])
      expect(browser.form().radios.filter(({ checked }) => checked)).toEqual([])
      await browser.submit({ select: 'none', duration: '3months' })
      expect(
        browser
          .form()
          .radios.filter(({ checked }) => checked)
          .map(({ value }) => value)
      ).toEqual(['3months'])
    })

    test('case 97: a decision beside it is not taken', async () => {
      await open(BOXES)
      const before = await stateOf(keyward)
      expect((await post(browser, browser.form(), { select: 'all', decision: 'allow' })).status).toBe(200)
      expect(await stateOf(keyward)).toEqual(before)
    })
  })
})
