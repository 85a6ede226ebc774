import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Choice, choicesFor, grantedOf } from '../../../src/consent/choices.ts'
import { readKinds } from '../../../src/consent/kinds.ts'
import { kindsIn } from '../../../src/consent/kinds-in-scopes.ts'
import { covers, parseResourceScope } from '../../../src/smart-scopes/resource-scope.ts'

const kinds = readKinds(join(import.meta.dirname, '../../../views'))
const LAB = 'category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory'

const offered = (scopes: string[], options: { decides?: 'patient' | 'clinician'; categoriesOf?: string[] } = {}): Choice[] =>
  choicesFor({ scopes, decides: 'patient', kinds, categoriesOf: ['Condition', 'Observation'], ...options })
const scopesOf = (choices: Choice[]): string[] => choices.map(({ scope }) => scope)

describe('what is offered', () => {
  test.each<[string, string[], string[]]>([
    ['a type without categories', ['patient/Immunization.rs'], ['patient/Immunization.rs']],
    [
      'each verb by itself',
      ['patient/Immunization.cruds'],
      ['patient/Immunization.rs', 'patient/Immunization.cu', 'patient/Immunization.d']
    ],
    ['version 1 as it is written', ['patient/Immunization.read'], ['patient/Immunization.read']],
    ['version 1, read and write', ['patient/Immunization.*'], ['patient/Immunization.read', 'patient/Immunization.write']],
    ['a category that was asked for', [`patient/Observation.rs?${LAB}`], [`patient/Observation.rs?${LAB}`]],
    ['the same scope once', ['patient/Immunization.rs', 'patient/Immunization.rs'], ['patient/Immunization.rs']],
    ['no switch for what is only told', ['openid', 'launch/patient', 'offline_access'], []]
  ])('%s', (_name, scopes, expected) => {
    expect(scopesOf(offered(scopes))).toEqual(expected)
  })

  test('a type by its categories, and what is under none of them last', () => {
    const choices = offered(['patient/Condition.rs'])
    expect(choices.length).toBeGreaterThan(3)
    expect(choices.at(-1)).toMatchObject({ scope: 'patient/Condition.rs', broad: true, sensitive: true })
    expect(choices.slice(0, -1).every(({ scope, broad }) => scope.startsWith('patient/Condition.rs?category=') && !broad)).toBe(
      true
    )
  })

  test('no category that the FHIR server can’t enforce', () => {
    expect(scopesOf(offered(['patient/Condition.rs'], { categoriesOf: [] }))).toEqual(['patient/Condition.rs'])
  })

  test('a wildcard by every kind of data, and everything else last', () => {
    const choices = offered(['patient/*.rs'])
    for (const kind of kinds.filter(
      ({ types, categories }) =>
        types.some((type) => type !== '*' && type !== 'Condition' && type !== 'Observation') &&
        Object.keys(categories).length === 0
    ))
      expect(choices.some((choice) => choice.kind === kind.id)).toBe(true)
    expect(choices.at(-1)).toMatchObject({ scope: 'patient/*.rs', broad: true, sensitive: true })
    expect(choices.filter(({ broad }) => broad)).toHaveLength(1)
  })

  test('nothing that the request doesn’t cover', () => {
    const asked = parseResourceScope('patient/*.rs')
    for (const { scope } of offered(['patient/*.rs'])) {
      const one = parseResourceScope(scope)
      expect(asked && one && covers(asked, one)).toBe(true)
    }
  })

  test('a clinician decides scope by scope', () => {
    const scopes = ['patient/Observation.rs', 'user/*.cruds']
    expect(scopesOf(offered(scopes, { decides: 'clinician' })).sort()).toEqual(scopes)
  })

  test('what reaches all of an account’s people is sensitive', () => {
    expect(offered(['user/Immunization.rs'])).toEqual([
      expect.objectContaining({ scope: 'user/Immunization.rs', sensitive: true })
    ])
    expect(offered(['patient/Immunization.rs'])).toEqual([expect.objectContaining({ sensitive: false })])
  })
})

describe('what a list of ticks grants', () => {
  const narrow = { kind: 'k', group: 'g', verbs: [], sensitive: false, broad: false } satisfies Omit<Choice, 'scope'>
  const person = 'patient/Patient.rs'
  const category = 'patient/Condition.rs?category=a'
  const type = 'patient/Condition.rs'
  const all = 'patient/*.rs'
  const change = 'patient/Patient.cu'
  const choices: Choice[] = [
    ...[person, category, change].map((scope) => ({ ...narrow, scope })),
    ...[type, all].map((scope) => ({ ...narrow, scope, broad: true }))
  ]

  test.each<[string, string[], string[]]>([
    ['nothing', [], []],
    ['one', [person], [person]],
    ['a broad one alone', [all], []],
    ['a broad one with a part of what it covers', [all, person], [person]],
    ['the type with its category', [category, type], [category, type]],
    ['the type without its category', [person, type], [person]],
    ['all that the wildcard covers', [person, category, type, all], [person, category, type, all]],
    ['all but the type', [person, category, all], [person, category]],
    [
      'what the wildcard doesn’t cover is not needed for it',
      [person, category, type, all, change],
      [person, category, type, all, change]
    ],
    ['what was not offered', ['patient/Observation.rs'], []]
  ])('%s', (_name, ticked, expected) => {
    expect(grantedOf(choices, ticked).sort()).toEqual(expected.sort())
  })

  test.each<[string, string[], string[], string[]]>([
    ['the same in another spelling', ['patient/Goal.read', 'patient/Goal.rs'], ['patient/Goal.read'], []],
    [
      'the same in both spellings',
      ['patient/Goal.read', 'patient/Goal.rs'],
      ['patient/Goal.read', 'patient/Goal.rs'],
      ['patient/Goal.read', 'patient/Goal.rs']
    ],
    ['a part of the same', ['patient/Goal.r', 'patient/Goal.rs'], ['patient/Goal.rs'], []],
    ['another verb', ['patient/Goal.rs', 'patient/Goal.cu'], ['patient/Goal.rs'], ['patient/Goal.rs']],
    ['another person’s records', ['patient/Goal.rs', 'user/Goal.rs'], ['patient/Goal.rs'], ['patient/Goal.rs']],
    [
      'a search that may find what is off',
      [category, 'patient/Condition.rs?_lastUpdated=gt1900'],
      ['patient/Condition.rs?_lastUpdated=gt1900'],
      []
    ],
    ['a category beside another', [category, `${type}?category=b`], [category], [category]],
    ['a category in other characters', [category, `${type}?category=%61`], [`${type}?category=%61`], []],
    ['several categories, one of which is off', [category, `${type}?category=a,b`], [`${type}?category=a,b`], []],
    ['a part of a category', [category, `${type}?category=a&code=c`], [`${type}?category=a&code=c`], []],
    ['a category of a type that is off', [category, type], [category], [category]]
  ])('off is off: %s', (_name, scopes, ticked, expected) => {
    expect(
      grantedOf(
        scopes.map((scope) => ({ ...narrow, scope })),
        ticked
      )
    ).toEqual(expected)
  })
})

test.each([
  [`patient/Observation.rs?${LAB}`, 'tests'],
  [`patient/Observation.rs?${LAB.replaceAll(':', '%3A').replaceAll('/', '%2F').replace('|', '%7C')}`, 'tests'],
  [`patient/Observation.rs?status=final&${LAB}`, 'tests'],
  [`patient/Observation.rs?${LAB},other`, 'everything-else']
])('SM-190: %s is told as %s', (scope, group) => {
  expect(kindsIn([scope], kinds)).toEqual([`groups.${group}`])
})

test('granted scopes are told by their groups', () => {
  expect(kindsIn(['patient/Immunization.rs', `patient/Observation.rs?${LAB}`, 'patient/*.rs', 'openid'], kinds)).toEqual([
    'groups.vaccines',
    'groups.tests',
    'groups.everything-else'
  ])
})

test.each([
  ['patient/*.rs', 'consent.wide.patient.label'],
  ['user/*.rs', 'consent.wide.user.label']
])('%s alone is told as the whole, as the page at which it was decided did', (scope, label) => {
  expect(kindsIn([scope, 'openid'], kinds)).toEqual([label])
})
