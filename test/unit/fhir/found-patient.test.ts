import { describe, expect, test } from 'vitest'
import { foundPatient } from '../../../src/fhir/found-patient.ts'

const patient = (members: object) => foundPatient({ resourceType: 'Patient', id: 'p', ...members })

/** JSON that can't be made into a string. */
const ODD = { toString: 1, valueOf: 1 }

describe('the name', () => {
  test.each<[string, unknown, string]>([
    [
      'the official one before others',
      [
        { text: 'Old', use: 'old' },
        { use: 'usual', text: 'U' },
        { use: 'official', text: 'O' }
      ],
      'O'
    ],
    ['whole, where its text is short', [{ text: 'Leo Diaz', given: ['Leo', 'Mateo'], family: 'Diaz' }], 'Leo Mateo Diaz'],
    ['its text, where it has no parts', [{ text: 'Leo Diaz' }], 'Leo Diaz'],
    ['one of before, where there is no other', [{ use: 'maiden', family: 'Vega' }], 'Vega'],
    ['none', undefined, ''],
    ['none that can be read', [{ given: [7, null], family: {} }, 'x'], ''],
    ['without what can not be seen', [{ text: 'Leo\u202e\u0000\n  Diaz' }], 'Leo Diaz'],
    [
      'one whose use is no text',
      [
        { use: ODD, text: 'A' },
        { use: ODD, text: 'B' }
      ],
      'A'
    ],
    ['not without end', [{ text: 'x'.repeat(1000) }], 'x'.repeat(200)]
  ])('%s', (_what, name, expected) => {
    expect(patient({ name }).name).toBe(expected)
  })
})

describe('the number of the record', () => {
  const mr = { type: { coding: [{ code: 'MR' }] }, value: '100002' }
  test.each<[string, unknown, string | undefined]>([
    ['the organisation’s own', [{ value: '1', use: 'usual' }, mr], '100002'],
    ['the usual one', [{ value: '1' }, { value: '2', use: 'usual' }], '2'],
    ['the first', [{ value: '1' }, { value: '2' }], '1'],
    ['no social security number, by system', [{ system: 'http://hl7.org/fhir/sid/us-ssn', value: '123-45-6789' }], undefined],
    [
      'no social security number, by type',
      [{ type: { coding: [{ code: 'SS' }] }, value: '123-45-6789', use: 'usual' }],
      undefined
    ],
    ['no social security number, by words', [{ type: { text: 'Social Security Number' }, value: '123-45-6789' }], undefined],
    ['none', undefined, undefined],
    ['none that can be read', [{ value: 5 }], undefined],
    ['no social security number, by the OID of its system', [{ system: 'urn:oid:2.16.840.1.113883.4.1', value: '1' }], undefined],
    ['one whose system only begins as that does', [{ system: 'urn:oid:2.16.840.1.113883.4.19', value: '1' }], '1'],
    ['one of a system whose host has the letters of a type', [{ system: 'https://dl.ni.example/number', value: '1' }], '1'],
    ['no passport', [{ type: { coding: [{ code: 'PPN' }] }, value: '1' }], undefined],
    ['no driver’s license', [{ type: { coding: [{ code: 'DL' }] }, value: '1' }], undefined],
    ['one of a system and a type that are no texts', [{ system: ODD, type: { coding: [{ code: ODD }] }, value: '1' }], '1']
  ])('%s', (_what, identifier, expected) => {
    expect(patient({ identifier }).number).toBe(expected)
  })
})

test.each([
  [
    { birthDate: '2017-06-03', gender: 'male' },
    { birthDate: '2017-06-03', sex: 'male' }
  ],
  [
    { birthDate: '2017', gender: 'unknown' },
    { birthDate: '2017', sex: 'unknown' }
  ],
  [{ birthDate: '2017-13-03', gender: 'M' }, {}],
  [{ birthDate: `2017-06-03T${'0'.repeat(31)}Z` }, {}],
  [{ birthDate: '<b>', gender: 7 }, {}]
])('%j is read as %j', (members, expected) => {
  expect(patient(members)).toEqual({ id: 'p', name: '', ...expected })
})
