/** Keyward's own name at a FHIR server that it may search. */
import { expect, test } from 'vitest'
import { problemsWith } from './mistakes.ts'

const AT = ['fhirServers', 0, 'patientSearch']
const named = (as: unknown) => problemsWith(AT, { as })

test('a name that nobody has', () => {
  expect(named('keyward-internal')).toEqual([])
  expect(named('https://keyward.example/')).toEqual([])
})

test.each([
  ['heart-app', 'must be a name that no client has, but a client is "heart-app"'],
  ['clinic-fhir', 'must be a name that no client has, but a client is "clinic-fhir"'],
  ['keyward-account', 'must be a name that no client has, but a client is "keyward-account"'],
  ['AAAAAAAAAAAAAAAAAAAAAA', "must not have the form of a person's sub"],
  ['app-AAAAAAAAAAAAAAAAAAAAAA', 'must not begin as the client_ids of apps do that register themselves, with app-'],
  ['two words', 'must be letters, digits and other visible characters of ASCII, at most 100, but is "two words"'],
  ['', 'must be letters, digits and other visible characters of ASCII, at most 100, but is ""']
])('%j is refused', (as, problem) => {
  expect(named(as)).toEqual([`fhirServers[0].patientSearch.as: ${problem}`])
})
