import { describe, expect, test } from 'vitest'
import { typedSearch } from '../../../src/patient/typed-search.ts'
import { writtenDate } from '../../../src/patient/written-date.ts'

describe('what is typed becomes a search', () => {
  test.each([
    ['Diaz', '', 'name=Diaz&_count=10'],
    ['  Diaz,  Leo ', '', 'name=Diaz&name=Leo&_count=10'],
    ['', '2017-06-03', 'birthdate=2017-06-03&_count=10'],
    ['D', '2017-06-03', 'name=D&birthdate=2017-06-03&_count=10'],
    ['王', '', 'name=%E7%8E%8B&_count=10'],
    ['Díaz & Co=x', '', 'name=D%C3%ADaz&name=%26&name=Co%3Dx&_count=10'],
    // Escaped, so that a server reads them as letters. FHIR R4, "Escaping Search Parameters"
    ['a$b|c\\d', '', 'name=a%5C%24b%5C%7Cc%5C%5Cd&_count=10'],
    ['a b c d e f g h', '', 'name=a&name=b&name=c&name=d&name=e&name=f&_count=10']
  ])('%j and %j', (name, birthDate, expected) => {
    const search = typedSearch({ name, birthDate })
    expect(search.ok && String(search.parameters)).toBe(expected)
  })

  test.each([
    ['', '', 'nothing-typed'],
    [' ,; \t', '', 'nothing-typed'],
    ['d', '', 'too-short'],
    ['Diaz', '2017-02-31', 'no-such-date'],
    ['Diaz', '03.06.2017', 'no-such-date'],
    ['', 'ge2017-01-01', 'no-such-date']
  ])('%j and %j do not: %s', (name, birthDate, reason) => {
    expect(typedSearch({ name, birthDate })).toEqual({ ok: false, reason })
  })
})

test.each([
  ['2017-06-03', 'en', 'June 3, 2017'],
  ['2017-06-03T23:30:00-05:00', 'en', 'June 3, 2017'],
  ['2017-06', 'en', 'June 2017'],
  ['2017', 'es', '2017'],
  ['2017-06-03', 'es', '3 de junio de 2017'],
  ['soon', 'en', undefined],
  [undefined, 'en', undefined]
])('%j in words, in %s', (date, language, expected) => {
  expect(writtenDate(date, language)).toBe(expected)
})
