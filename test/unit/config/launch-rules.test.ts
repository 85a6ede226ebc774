/** What an EHR's registration must agree on. */
import { expect, test } from 'vitest'
import { completeDemo, problemsOfText } from './mistakes.ts'

const EHR = {
  client_id: 'ehr',
  client_name: 'EHR',
  token_endpoint_auth_method: 'private_key_jwt',
  jwks_uri: 'https://ehr.example/jwks',
  grant_types: ['client_credentials'],
  smart_scope: '__launch_context',
  launch_contexts: ['clinic']
}

const problemsWith = (changes: object): readonly string[] =>
  problemsOfText(completeDemo.replace(/^accounts:/m, `  - ${JSON.stringify({ ...EHR, ...changes })}\naccounts:`))

test('an EHR may mint for FHIR servers that there are, with a key and the scope for it', () => {
  expect(problemsWith({})).toEqual([])
  expect(problemsWith({ launch_apps: ['heart-app'], launch_kinds: ['patient', 'fhirContext'] })).toEqual([])
})

test.each([
  [{ launch_contexts: ['other'] }, 'clients[2].launch_contexts[0]: must be the id of one of fhirServers, but is "other"'],
  [
    { smart_scope: 'system/*.rs' },
    'clients[2].launch_contexts: must be empty without __launch_context in smart_scope, by which an EHR may create launch contexts'
  ],
  [
    { grant_types: [], launch_contexts: [] },
    "clients[2].smart_scope: must have no scope of Keyward's own API without the grant type client_credentials"
  ],
  [{ launch_apps: ['nobody'] }, 'clients[2].launch_apps[0]: must be the client_id of one of clients, but is "nobody"']
])('%j is named', (changes, problem) => {
  expect(problemsWith(changes)).toContain(problem)
})

test('what an EHR may say is one of the members of a launch context', () => {
  expect(problemsWith({ launch_kinds: ['scope'] })).toEqual([
    expect.stringMatching(/^clients\[2\]\.launch_kinds\[0\]: must be one of user, patient/)
  ])
})
