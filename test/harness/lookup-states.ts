/** The pages on which records are looked up at the FHIR server, in every state. */
import { RECORD_TYPES } from '../../src/fhir/found-record.ts'
import type { TemplateState } from './template-states.ts'

const NOTHING = { name: '', birthDate: '' }
const PEOPLE = [
  { id: 'leo', name: 'Leo Mateo Diaz', birthDate: '3 June 2017', age: 9, sex: 'male', number: '100002' },
  { id: 'leo-2', name: 'Leo Diaz', birthDate: '3 June 1951', age: 75, sex: 'unknown', number: null },
  { id: 'zoe', name: 'Zoe Diaz', birthDate: '1 May 2025', age: 1, sex: 'female', number: '100009' },
  { id: 'ana', name: 'Ana María Magdalena Díaz de la Vega y Fernández', birthDate: '1999', age: null, sex: 'other', number: '7' },
  { id: 'x', name: '', birthDate: null, age: null, sex: null, number: null }
]
const VISITS = [
  { id: 'v-3', what: 'Asthma', date: '18 November 2025', place: 'Sample Clinic, main building' },
  { id: 'v-2', what: 'Check-up', date: '10 June 2025', place: null },
  { id: 'v-1', what: null, date: null, place: null }
]
const LEO = { person: 'Leo Diaz', birthDate: '3 June 2017', canChange: true }
const NOBODY = { person: null, birthDate: null, canChange: false }
const ONLY = { search: 'search', at: 0, hasNext: false, isCut: false }

export function lookupStates(app: object): TemplateState[] {
  const search = (name: string, members: object): TemplateState => ({
    template: 'patient-search',
    name,
    members: { app, typed: NOTHING, people: [], pages: null, refused: null, ...members }
  })
  const record = (name: string, members: object): TemplateState => ({
    template: 'record-pick',
    name,
    members: { app, resourceType: 'Encounter', ...LEO, records: VISITS, pages: ONLY, refused: null, ...members }
  })
  const typed = { name: 'Diaz', birthDate: '' }
  return [
    search('first', {}),
    search('no app', { app: null }),
    ...['nothing-typed', 'too-short', 'no-such-date', 'not-answered', 'gone', 'too-many-attempts'].map((refused) =>
      search(refused, { typed: { name: 'D "<', birthDate: '' }, refused })
    ),
    search('nobody', { typed, pages: ONLY }),
    search('one page', { typed, people: PEOPLE, pages: ONLY }),
    search('first page', { typed, people: PEOPLE, pages: { ...ONLY, hasNext: true } }),
    search('second page', { typed, people: PEOPLE, pages: { ...ONLY, at: 1, hasNext: true } }),
    search('more elsewhere', { typed, people: PEOPLE, pages: { ...ONLY, isCut: true } }),
    search('nothing picked', { typed, people: PEOPLE, pages: ONLY, refused: 'nothing-picked' }),
    search('not there any more', { typed, people: PEOPLE, pages: ONLY, refused: 'not-shown' }),
    record('one page', {}),
    record('no app', { app: null, ...NOBODY }),
    record('no birth date', { birthDate: null, canChange: false }),
    {
      template: 'record-none',
      name: 'no birth date',
      members: { app, resourceType: 'Encounter', ...LEO, birthDate: null, reason: 'no-record' }
    },
    record('second of three pages', { pages: { ...ONLY, at: 1, hasNext: true } }),
    record('more elsewhere', { pages: { ...ONLY, isCut: true } }),
    record('empty page', { records: [], pages: { ...ONLY, at: 1 } }),
    record('nothing picked', { refused: 'nothing-picked' }),
    record('not there any more', { refused: 'not-shown' }),
    ...RECORD_TYPES.flatMap((resourceType) => [
      record(resourceType, { resourceType }),
      { template: 'record-none', name: resourceType, members: { app, resourceType, ...LEO, reason: 'no-record' } }
    ]),
    ...['not-answered', 'too-many-attempts'].map((reason) => ({
      template: 'record-none',
      name: reason,
      members: { app, resourceType: 'Encounter', ...NOBODY, reason }
    })),
    {
      template: 'record-none',
      name: 'no app',
      members: { app: null, resourceType: 'Encounter', ...NOBODY, reason: 'no-record' }
    }
  ]
}
