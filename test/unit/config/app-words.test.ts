/** What an app of the configuration says of itself is held to the same rules as what one registers. */
import { describe, expect, test } from 'vitest'
import { isDeceiving, PRIVACY_ANSWERS, privacyAnswers, scopeReasons } from '../../../src/config/app-words.ts'
import { parseConfig } from '../../../src/config/read-config.ts'
import { clinicYaml } from '../../harness/clinic-config.ts'

const parsed = (members: string) =>
  parseConfig(clinicYaml({ port: 9000 }).replace('client_id: small-app,', `client_id: small-app, ${members},`), {
    env: {},
    baseDir: '.'
  })

test.each([
  [
    'scope_reasons: { patient/Observation.rs: "To draw a line." }',
    'scope_reasons',
    { 'patient/Observation.rs': 'To draw a line.' }
  ],
  ['privacy_answers: { sells: "no", keeps: longer }', 'privacy_answers', { sells: 'no', keeps: 'longer' }]
])('%s', (members, name, value) => {
  const client = parsed(members).clients.find(({ client_id: id }) => id === 'small-app')
  expect(client).toMatchObject({ [name]: value })
})

test.each([
  ['scope_reasons: { patient/Condition.rs: why }', 'clients[5].scope_reasons: must name scopes that the app may ask for'],
  ['scope_reasons: { patient/Observation: why }', 'clients[5].scope_reasons: must name scopes that the app may ask for'],
  ['scope_reasons: { openid: "who\\u202e" }', 'must be texts of 1 to 200 characters, without control characters'],
  ['scope_reasons: { openid: "" }', 'must be texts of 1 to 200 characters'],
  ['scope_reasons: why', 'clients[5].scope_reasons: must be'],
  ['privacy_answers: { sells: maybe }', 'clients[5].privacy_answers.sells: must be one of no, if-you-agree, yes'],
  ['privacy_answers: { sell: "no" }', 'clients[5].privacy_answers.sell: is not a setting: did you mean sells?']
])('%s is a mistake', (members, message) => {
  expect(() => parsed(members)).toThrow(message)
})

test('a developer of the configuration has nobody whose records to share', () => {
  const people = (list: string) =>
    parseConfig(
      clinicYaml({ port: 9000 }).replace(
        'name: No Body, role: patient, people: []',
        `name: No Body, role: developer, people: ${list}`
      ),
      { env: {}, baseDir: '.' }
    )
  expect(people('[]').accounts.find(({ username }) => username === 'nobody')).toMatchObject({ role: 'developer' })
  expect(() => people('[{ fhirServer: clinic, fhirUser: Patient/x }]')).toThrow(
    'accounts[2].people: must be empty: a developer has no record to share'
  )
})

describe('words of an app', () => {
  test.each(['\u0000', '\n', '\u202e', '\u2066', '\u200b', '\u00ad', '\u2028', `e${'\u0301'.repeat(5)}`])(
    '%j is refused',
    (mark) => {
      expect(isDeceiving(`why ${mark} not`)).toBe(true)
      expect(scopeReasons.safeParse({ openid: `why ${mark} not` }).success).toBe(false)
    }
  )

  test.each(['¿Por qué?', 'למה', 'ทำไมถึงถาม', 'Tại sao', 'なぜ', '<b>why</b>', '👍'])('%j is text', (words) => {
    expect(isDeceiving(words)).toBe(false)
    expect(scopeReasons.safeParse({ openid: words }).success).toBe(true)
  })

  test('are for as many scopes as an app can name, within bounds', () => {
    const reasons = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`patient/Type${at}.rs`, 'why']))
    expect(scopeReasons.safeParse(reasons(50)).success).toBe(true)
    expect(scopeReasons.safeParse(reasons(51)).success).toBe(false)
  })

  test('every answer of the list is taken, and none beside', () => {
    for (const [question, answers] of Object.entries(PRIVACY_ANSWERS)) {
      for (const answer of answers) expect(privacyAnswers.safeParse({ [question]: answer }).success).toBe(true)
      for (const other of ['maybe', '', true, null, [answers[0]]])
        expect(privacyAnswers.safeParse({ [question]: other }).success).toBe(false)
    }
    expect(privacyAnswers.safeParse({}).success).toBe(true)
  })
})
