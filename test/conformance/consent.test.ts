/** What a patient can choose, and that nothing else is granted: certification (g)(10), SMART App Launch 2.2 "Scopes". */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { authorize, newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { textOf, walkTo } from '../harness/on-pages.ts'
import { withoutSecondFactor } from '../harness/visit.ts'

/** US Core 6.1 and 7.0, and what (g)(10) names besides. */
const TYPES = [
  'AllergyIntolerance',
  'CarePlan',
  'CareTeam',
  'Condition',
  'Coverage',
  'Device',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'Goal',
  'Immunization',
  'Location',
  'MedicationDispense',
  'MedicationRequest',
  'Observation',
  'Patient',
  'Procedure',
  'Provenance',
  'RelatedPerson',
  'ServiceRequest',
  'Specimen'
]
const CONDITION = 'http://terminology.hl7.org/CodeSystem/condition-category'
const OBSERVATION = 'http://terminology.hl7.org/CodeSystem/observation-category'
const US_CORE = 'http://hl7.org/fhir/us/core/CodeSystem'
const granular = (type: string, category: string): string => `patient/${type}.rs?category=${category}`
const GROUP_1 = [
  granular('Condition', `${CONDITION}|encounter-diagnosis`),
  granular('Condition', `${US_CORE}/condition-category|health-concern`),
  granular('Observation', `${OBSERVATION}|laboratory`),
  granular('Observation', `${OBSERVATION}|social-history`)
]
const GROUP_2 = [
  granular('Condition', `${CONDITION}|problem-list-item`),
  granular('Observation', `${OBSERVATION}|vital-signs`),
  granular('Observation', `${OBSERVATION}|survey`),
  granular('Observation', `${US_CORE}/us-core-category|sdoh`)
]
const CLINICAL_TEST = [granular('Observation', `${OBSERVATION}|procedure`)]

interface Texts {
  kinds: Record<string, { label: string; long: string }>
}

/** The FHIR server honours the code of Basic resources in scopes too, as one that keeps state for apps would. */
function change(config: Config): Config {
  const fhirServers = config.fhirServers.map((server) => ({
    ...server,
    enforces: { ...server.enforces, parameters: ['Basic.code'] }
  }))
  return withoutSecondFactor({ ...config, fhirServers })
}

describe.each(STORES)('consent on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({ store, change })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward?.stop())

  /** What was granted of these scopes, asked anew, with these boxes ticked: all of them, or those that pass. */
  async function grantedOf(scopes: readonly string[], tick: (scope: string) => boolean = () => true): Promise<string[]> {
    const app = newApp(keyward.issuer)
    const url = app.authorizationUrl({ scope: ['openid', 'launch/patient', ...scopes].join(' '), prompt: 'consent' })
    const { body } = await app.redeem(app.codeFrom(await authorize(newBrowser(keyward.issuer), url, { tick })))
    return (body.scope?.split(' ') ?? []).filter((scope) => scope !== 'openid' && scope !== 'launch/patient').sort()
  }

  /** The switches on the page for these scopes. */
  async function offered(scopes: readonly string[]): Promise<{ browser: Browser; switches: string[] }> {
    const browser = newBrowser(keyward.issuer)
    const app = newApp(keyward.issuer)
    const asked = app.authorizationUrl({ scope: ['openid', 'launch/patient', ...scopes].join(' '), prompt: 'consent' })
    await browser.open(asked)
    await browser.submit({ username: 'john', password: 'correct horse battery staple' })
    expect(browser.page.step).toBe('consent')
    return { browser, switches: browser.form().checkboxes.map(({ value }) => value) }
  }

  test('SM-098, SM-099, mistake 35: a wildcard is a switch for each type, and for each category where there are some', async () => {
    const { switches } = await offered(['patient/*.rs'])
    const whole = ['Condition', 'Observation', 'Provenance']
    for (const type of TYPES.filter((one) => !whole.includes(one))) expect(switches, type).toContain(`patient/${type}.rs`)
    expect(switches).toEqual(expect.arrayContaining([...GROUP_1, ...GROUP_2, ...CLINICAL_TEST]))
    // Types without words of their own, Provenance among them, are what comes last.
    expect(switches.at(-1)).toBe('patient/*.rs')
  })

  test('SM-098: each type that is asked for by name has its switch', async () => {
    const { switches } = await offered(TYPES.map((type) => `patient/${type}.rs`))
    for (const type of TYPES) expect(switches, type).toContain(`patient/${type}.rs`)
  })

  test('SM-102, SM-200: the page says of a wildcard that it is all, and new kinds later', async () => {
    const { browser } = await offered(['patient/*.rs'])
    expect(browser.page.html).toContain('new kinds')
  })

  test.each(['en', 'es'])(
    'SM-103: in %s the page describes a kind in a few words and in more, and asks for how long',
    async (lang) => {
      const { kinds }: Texts = JSON.parse(readFileSync(join(import.meta.dirname, `../../views/locales/${lang}.json`), 'utf8'))
      const browser = newBrowser(keyward.issuer)
      const scope = 'openid launch/patient offline_access patient/AllergyIntolerance.rs'
      const url = newApp(keyward.issuer).authorizationUrl({ scope, prompt: 'consent', ui_locales: lang })
      const text = textOf(await walkTo(browser, url, 'consent'))
      for (const said of [kinds.allergies?.label, kinds.allergies?.long]) expect(text).toContain(said)
      expect(browser.page.html).toContain('name="duration"')
    }
  )

  test('SM-047, SM-207: every type of the compartment can be granted', async () => {
    const asked = TYPES.map((type) => `patient/${type}.rs`)
    expect(await grantedOf(asked)).toEqual(expect.arrayContaining(asked))
  })

  test('SM-101, SM-203: what is switched off is not granted, nor anything through which it could be seen', async () => {
    const asked = ['patient/Goal.rs', 'patient/Immunization.rs', 'patient/*.r']
    const granted = await grantedOf(asked, (scope) => scope.startsWith('patient/Goal.'))
    expect(granted).toEqual(['patient/Goal.r', 'patient/Goal.rs'])
  })

  test.each([
    ['SM-212', GROUP_1],
    ['SM-213', GROUP_2],
    ['SM-215', CLINICAL_TEST]
  ])(
    '%s, SM-050, SM-214: categories that are asked for are granted as they were written, and nothing wider: %j',
    async (_id, asked) => {
      expect(await grantedOf(asked)).toEqual([...asked].sort())
    }
  )

  test('SM-190: a category in percent-encoded characters comes back in these', async () => {
    const asked = granular('Observation', encodeURIComponent(`${OBSERVATION}|laboratory`))
    expect(await grantedOf([asked])).toEqual([asked])
  })

  test('SM-191, SM-205: a search parameter that the FHIR server does not enforce is dropped, and the rest is granted', async () => {
    const asked = ['patient/Observation.rs?status=final', 'patient/Goal.rs?category=a', 'patient/Goal.rs']
    expect(await grantedOf(asked)).toEqual(['patient/Goal.rs'])
  })

  test('SM-286: Basic resources of one code can be asked for, and only these are granted', async () => {
    const query = '?code=https://app.example|settings'
    const granted = await grantedOf([`patient/Basic.cuds${query}`, 'patient/Basic.rs?author=Patient/leo'])
    // Changing, deleting and finding have a switch each, and so a scope each.
    expect(granted).toEqual(['cu', 'd', 's'].map((letters) => `patient/Basic.${letters}${query}`))
  })

  test('SM-216: of whole types that were asked for a person picks categories, and no whole type is granted', async () => {
    const picked = [...GROUP_1, ...GROUP_2]
    const granted = await grantedOf(
      ['patient/Condition.rs', 'patient/Observation.rs', 'patient/Patient.rs'],
      (scope) => picked.includes(scope) || scope === 'patient/Patient.rs'
    )
    expect(granted).toEqual([...picked, 'patient/Patient.rs'].sort())
  })

  test('SM-049, SM-188, SM-309: version 1 is granted as version 1', async () => {
    const asked = ['patient/Patient.read', 'patient/Goal.read', 'patient/Goal.write', 'patient/MedicationRequest.read']
    expect(await grantedOf(asked)).toEqual([...asked].sort())
  })

  test('SM-211: both versions in one request are each answered as they were written', async () => {
    expect(await grantedOf(['patient/Patient.read', 'patient/Goal.rs'])).toEqual(['patient/Goal.rs', 'patient/Patient.read'])
  })

  test('SM-189: letters out of order are dropped, and never read as others', async () => {
    expect(await grantedOf(['patient/Goal.sr', 'patient/Goal.dus', 'patient/Patient.r'])).toEqual(['patient/Patient.r'])
  })
})
