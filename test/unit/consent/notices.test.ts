import { join } from 'node:path'
import { expect, test } from 'vitest'
import { choicesFor } from '../../../src/consent/choices.ts'
import { readKinds } from '../../../src/consent/kinds.ts'
import { noticesFor } from '../../../src/consent/notices.ts'

const kinds = readKinds(join(import.meta.dirname, '../../../views'))
const NAMES = {
  twoHeadings: 'consent.notice.two-headings',
  noHeading: 'consent.notice.no-heading',
  stillShows: 'consent.notice.still-shows',
  advice: 'consent.notice.advice'
}

function notices(scopes: string[], isOn: (scope: string) => boolean): string[] {
  const choices = choicesFor({ scopes, decides: 'patient', kinds, categoriesOf: ['Condition', 'Observation'] })
  return noticesFor(choices, new Set(choices.map(({ scope }) => scope).filter(isOn)))
}

const medicines = ['patient/MedicationRequest.rs', 'patient/Immunization.rs']

test.each<[string, string[], (scope: string) => boolean, string[]]>([
  ['all is on', medicines, () => true, []],
  ['nothing is on', medicines, () => false, []],
  ['medicines are on and something is off', medicines, (scope) => scope.includes('Medication'), [NAMES.stillShows]],
  ['medicines are off', medicines, (scope) => !scope.includes('Medication'), [NAMES.advice]],
  [
    'allergies are off',
    ['patient/AllergyIntolerance.rs', 'patient/Immunization.rs'],
    (scope) => scope.includes('Imm'),
    [NAMES.advice]
  ],
  ['categories are all on', ['patient/Observation.rs'], () => true, [NAMES.twoHeadings]],
  [
    'a category is off',
    ['patient/Observation.rs'],
    (scope) => !scope.endsWith('laboratory'),
    [NAMES.twoHeadings, NAMES.noHeading]
  ]
])('where %s', (_name, scopes, isOn, expected) => {
  expect(notices(scopes, isOn)).toEqual(expected)
})
