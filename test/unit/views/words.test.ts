import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { gradeOf, sentencesOf, visibleTextOf, wordsOf } from '../../harness/reading.ts'
import { LANGUAGES, renderState, templateStates, VIEWS } from '../../harness/template-states.ts'

type Texts = { [key: string]: string | Texts }

const texts = new Map(LANGUAGES.map((language) => [language, flat(read(`locales/${language}.json`))]))
const english = new Map(texts.get('en'))
const BANNED = /\b(scopes?|resources?|tokens?|fhir|observations?|encounters?|clients?|authori[sz]e[ds]?)\b/i

const US_CORE_7 =
  `AllergyIntolerance CarePlan CareTeam Condition Coverage Device DiagnosticReport DocumentReference Encounter Goal Immunization
    Location Medication MedicationDispense MedicationRequest Observation Organization Patient Practitioner PractitionerRole Procedure
    Provenance QuestionnaireResponse RelatedPerson ServiceRequest Specimen`.split(/\s+/)

describe.each(LANGUAGES)('the texts in %s', (language) => {
  const own = new Map(texts.get(language))

  test('are complete', () => {
    expect([...own.keys()].filter((key) => !key.endsWith('_many')).sort()).toEqual([...english.keys()].sort())
    expect([...own].filter(([, text]) => text.trim() === '')).toEqual([])
  })

  test('use the same variables as the English ones', () => {
    const variables = (text: string | undefined): string[] => [...new Set(text?.match(/\{\{\w+\}\}/g))].sort()
    const differing = [...own].filter(([key, text]) => variables(text).join() !== variables(english.get(key)).join())
    expect(differing.map(([key]) => key)).toEqual([])
  })

  test('use plain words only', () => {
    // Those who make apps call things by their names.
    expect(
      [...own].filter(([key, text]) => !key.startsWith('developer.') && BANNED.test(text.replace(/\{\{\w+\}\}/g, '')))
    ).toEqual([])
  })

  test('have sentences of at most 15 words', () => {
    const long = [...own.values()].flatMap((text) =>
      sentencesOf(text).filter((sentence) => wordsOf(sentence).length > (language === 'en' ? 15 : 18))
    )
    expect(long).toEqual([])
  })
})

describe('the English pages', () => {
  test.each(templateStates())('read at grade 6 or below: $template, $name', (state) => {
    const text = visibleTextOf(renderState(state))
    if (!state.template.startsWith('developer')) expect(text).not.toMatch(BANNED)
    expect(gradeOf(text)).toBeLessThanOrEqual(6)
    // Labels of a word or two make any page look easy: its sentences have to be easy by themselves.
    expect(
      gradeOf(
        sentencesOf(text)
          .filter((sentence) => wordsOf(sentence).length > 4)
          .join('. ')
      )
    ).toBeLessThanOrEqual(6)
  })
})

describe('the kinds of data', () => {
  const kinds: { id: string; group: string; types: string[]; categories: Record<string, string[]> }[] = JSON.parse(
    readFileSync(join(VIEWS, 'kinds-of-data.json'), 'utf8')
  )

  test('have words, and so do their groups', () => {
    const wanted = kinds.flatMap(({ id, group }) => [
      `kinds.${id}.label`,
      `kinds.${id}.example`,
      `kinds.${id}.long`,
      `groups.${group}`
    ])
    expect(wanted.filter((key) => !english.has(key))).toEqual([])
  })

  test('have a line in the summary before the button, which goes while nothing of the group is on', () => {
    const css = readFileSync(join(VIEWS, 'consent.css'), 'utf8')
    const groups = [...new Set(kinds.map(({ group }) => group))]
    expect(groups.filter((id) => !css.includes(`:has(#group-${id} .switch:checked)) .shared-${id},`))).toEqual([])
  })

  test('leave no words over', () => {
    const ids = new Set(kinds.map(({ id }) => id))
    expect([...english.keys()].filter((key) => key.startsWith('kinds.') && !ids.has(key.split('.')[1] ?? ''))).toEqual([])
  })

  test('put each type and each category in one place', () => {
    const places = kinds.flatMap(({ types, categories }) => [
      ...types,
      ...Object.entries(categories).flatMap(([type, codes]) => codes.map((code) => `${type} ${code}`))
    ])
    expect(new Set(places).size).toBe(places.length)
    expect(places).toContain('*')
  })

  test('name every type with words of its own', () => {
    const types = kinds.flatMap((kind) => [...kind.types, ...Object.keys(kind.categories)]).filter((type) => type !== '*')
    expect(types.filter((type) => !english.has(`types.${type}.label`) || !english.has(`types.${type}.example`))).toEqual([])
  })

  test.each(US_CORE_7)('know the type %s of US Core 7', (type) => {
    expect(english.has(`types.${type}.label`)).toBe(true)
  })

  test('name categories by full code systems', () => {
    const codes = kinds.flatMap(({ categories }) => Object.values(categories).flat())
    expect(
      codes.filter(
        (code) =>
          !/^http:\/\/(terminology\.hl7\.org\/CodeSystem|hl7\.org\/fhir\/us\/core\/CodeSystem|loinc\.org)[\w/.-]*\|[\w-]+$/.test(
            code
          )
      )
    ).toEqual([])
  })
})

function read(file: string): Texts {
  return JSON.parse(readFileSync(join(VIEWS, file), 'utf8'))
}

function flat(node: Texts, path = ''): [string, string][] {
  return Object.entries(node).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[path + key, value]] : flat(value, `${path}${key}.`)
  )
}
