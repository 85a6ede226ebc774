/** Where the consent page shows what an app says of itself, and that it is shown as text. */
import { describe, expect, test } from 'vitest'
import { placeReasons, privacyFacts, reasonFor } from '../../../src/consent/app-words.ts'
import { choicesFor } from '../../../src/consent/choices.ts'
import { readKinds } from '../../../src/consent/kinds.ts'
import { LANGUAGES, renderState, templateStates, translatorFor, VIEWS } from '../../harness/template-states.ts'

const kinds = readKinds(VIEWS)
const choices = (...scopes: string[]) =>
  choicesFor({ scopes, decides: 'patient', kinds, categoriesOf: ['Condition', 'Observation'] })

function placed(reasons: Record<string, string>, ...scopes: string[]) {
  const { ofPage, ofGroup, ofChoice } = placeReasons(reasons, choices(...scopes))
  return {
    ofPage,
    ofGroup: Object.fromEntries(ofGroup),
    ofChoice: Object.fromEntries([...ofChoice].map(([choice, text]) => [choice.scope, text]))
  }
}
const NOWHERE = { ofPage: [], ofGroup: {}, ofChoice: {} }

describe('a reason of an app', () => {
  test('for one kind of data is beside it', () => {
    const reasons = { 'patient/Immunization.rs': 'jabs' }
    expect(placed(reasons, 'patient/Immunization.rs', 'patient/AllergyIntolerance.rs')).toEqual({
      ...NOWHERE,
      ofChoice: { 'patient/Immunization.rs': 'jabs' }
    })
  })

  test('for all kinds of one group is there once', () => {
    const reasons = { 'patient/Procedure.rs': 'both', 'patient/Device.rs': 'both' }
    expect(placed(reasons, 'patient/Procedure.rs', 'patient/Device.rs', 'patient/Patient.rs')).toEqual({
      ...NOWHERE,
      ofGroup: { operations: ['both'] }
    })
  })

  test('for a type that is taken apart names the groups, but not what is left over', () => {
    const { ofPage, ...others } = placed({ 'patient/Condition.rs': 'why' }, 'patient/Condition.rs', 'patient/Immunization.rs')
    expect(others).toEqual({ ofGroup: {}, ofChoice: {} })
    expect(ofPage).toEqual([{ text: 'why', groups: ['problems', 'daily-life'] }])
  })

  test('for everything is said once, and a nearer one comes before it', () => {
    const reasons = { 'patient/*.rs': 'all', 'patient/Immunization.rs': 'jabs' }
    expect(placed(reasons, 'patient/*.rs')).toEqual({
      ...NOWHERE,
      ofPage: [{ text: 'all', groups: [] }],
      ofChoice: { 'patient/Immunization.rs': 'jabs' }
    })
  })

  test('for what the page does not ask about is not shown', () => {
    expect(placed({ 'patient/Immunization.rs': 'jabs', 'user/*.rs': 'x', openid: 'y' }, 'patient/Patient.rs')).toEqual(NOWHERE)
    // To see is not to change.
    expect(placed({ 'patient/Patient.r': 'x' }, 'patient/Patient.rs', 'patient/Device.c')).toEqual(NOWHERE)
    expect(reasonFor({ openid: 'y' }, ['fhirUser'])).toBeNull()
    expect(reasonFor(undefined, ['openid'])).toBeNull()
    expect(reasonFor({ openid: 'y' }, ['constructor'])).toBeNull()
    expect(reasonFor({ openid: 'y' }, ['fhirUser', 'openid'])).toBe('y')
  })
})

test('every answer has a sentence in every language, and every question that is open has words', () => {
  const answers = privacyFacts({ shares: 'if-you-agree', sells: 'no', advertises: 'yes', keeps: 'longer', deletes: 'no' })
  const open = privacyFacts(undefined)
  expect([answers.answers.length, answers.open, open.answers, open.open.length]).toEqual([5, [], [], 5])
  for (const language of LANGUAGES) for (const key of [...answers.answers, ...open.open]) translatorFor(language)(key)
})

describe.each(LANGUAGES)('the consent page in %s', (language) => {
  const pageNamed = (name: string) => {
    const found = templateStates(language).find((state) => state.template === 'consent' && state.name === name)
    if (!found) throw new Error(`no state ${name}`)
    return renderState(found, language)
  }

  test('says of every app what it does with data, or that it has not said so', () => {
    const [some, none] = [pageNamed('some types, some answers'), pageNamed('for somebody else')]
    const t = translatorFor(language)
    expect(some).toContain(t('consent.privacy.shares.yes'))
    expect(some).toContain(t('consent.privacy.open.sells'))
    expect(none).toContain(t('consent.privacy.nothing'))
    expect(none).not.toContain(t('consent.says'))
  })

  test("shows an app's words as text, and says whose they are", () => {
    const says = translatorFor(language)('consent.says')
    expect(pageNamed('some types')).toContain(`${says} <q dir="auto">To know your &lt;pacemaker&gt;.</q>`)
  })
})
