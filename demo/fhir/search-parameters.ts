/**
 * The search parameters of this server, and what each asks of a resource. Whether
 * a token may search at all is permissions.ts; pages and links are search.ts.
 *
 * FHIR R4, "Search"
 */
import { parseDateTest, spanOf } from './fhir-date.ts'
import { codingsOf, isObject, listOf, type Resource, referencesOf } from './resource.ts'

export type ParameterType = 'token' | 'date' | 'reference' | 'string'

/** A search parameter's type and the elements that it looks at. */
export interface Parameter {
  type: ParameterType
  elements: string[]
}

export interface Criterion {
  name: string
  value: string
  matches(resource: Resource): boolean
}

export type Criteria = { ok: true; known: Criterion[]; unknown: string[] } | { ok: false; problem: string }

const token = (...elements: string[]): Parameter => ({ type: 'token', elements })
const date = (...elements: string[]): Parameter => ({ type: 'date', elements })
const reference = (...elements: string[]): Parameter => ({ type: 'reference', elements })
const text = (...elements: string[]): Parameter => ({ type: 'string', elements })

const ofSubject = { patient: reference('subject'), subject: reference('subject') }
const ofPatient = { patient: reference('patient') }
const status = token('status')
const category = token('category')
const code = token('code')
const encounter = reference('encounter')

const PARAMETERS: Record<string, Record<string, Parameter>> = {
  AllergyIntolerance: { ...ofPatient, category, code, date: date('recordedDate'), 'clinical-status': token('clinicalStatus') },
  Binary: {},
  CarePlan: { ...ofSubject, category, status, date: date('period'), encounter },
  CareTeam: { ...ofSubject, category, status, date: date('period'), encounter },
  Condition: {
    ...ofSubject,
    category,
    code,
    encounter,
    'clinical-status': token('clinicalStatus'),
    'onset-date': date('onsetDateTime', 'onsetPeriod'),
    'recorded-date': date('recordedDate')
  },
  Coverage: { patient: reference('beneficiary'), beneficiary: reference('beneficiary'), status, type: token('type') },
  Device: { ...ofPatient, type: token('type'), status },
  DiagnosticReport: { ...ofSubject, category, code, status, encounter, date: date('effectiveDateTime', 'effectivePeriod') },
  DocumentReference: { ...ofSubject, category, type: token('type'), status, date: date('date'), period: date('context.period') },
  Encounter: { ...ofSubject, class: token('class'), type: token('type'), status, date: date('period') },
  Endpoint: { status },
  FamilyMemberHistory: {
    ...ofPatient,
    code: token('condition.code'),
    status,
    date: date('date'),
    relationship: token('relationship')
  },
  Goal: {
    patient: reference('subject'),
    subject: reference('subject'),
    category,
    'lifecycle-status': token('lifecycleStatus'),
    'start-date': date('startDate')
  },
  Immunization: { ...ofPatient, status, date: date('occurrenceDateTime'), 'vaccine-code': token('vaccineCode') },
  Location: { name: text('name'), status, type: token('type') },
  Medication: { code, status },
  MedicationDispense: {
    ...ofSubject,
    code: token('medicationCodeableConcept'),
    status,
    type: token('type'),
    whenhandedover: date('whenHandedOver')
  },
  MedicationRequest: {
    ...ofSubject,
    category,
    code: token('medicationCodeableConcept'),
    status,
    intent: token('intent'),
    authoredon: date('authoredOn'),
    encounter
  },
  Observation: { ...ofSubject, category, code, status, encounter, date: date('effectiveDateTime', 'effectivePeriod') },
  Organization: { name: text('name'), identifier: token('identifier') },
  Patient: {
    name: text('name'),
    family: text('name.family'),
    given: text('name.given'),
    birthdate: date('birthDate'),
    gender: token('gender'),
    identifier: token('identifier')
  },
  Practitioner: { name: text('name'), identifier: token('identifier') },
  PractitionerRole: {
    practitioner: reference('practitioner'),
    organization: reference('organization'),
    specialty: token('specialty')
  },
  Procedure: { ...ofSubject, category, code, status, encounter, date: date('performedDateTime', 'performedPeriod') },
  Provenance: { target: reference('target'), recorded: date('recorded') },
  QuestionnaireResponse: { ...ofSubject, status, authored: date('authored'), encounter },
  RelatedPerson: { ...ofPatient, name: text('name'), relationship: token('relationship') },
  ServiceRequest: { ...ofSubject, category, code, status, encounter, authored: date('authoredOn') },
  Specimen: { ...ofSubject, type: token('type'), collected: date('collection.collectedDateTime') }
}

export function parametersOf(type: string): Record<string, Parameter> {
  return { _id: token('id'), ...(Object.hasOwn(PARAMETERS, type) ? PARAMETERS[type] : {}) }
}

/** Reads a query against the parameters of a type. A known one that can't be read makes the query wrong. */
export function readCriteria(type: string, query: URLSearchParams): Criteria {
  const parameters = parametersOf(type)
  const known: Criterion[] = []
  const unknown: string[] = []
  for (const [key, value] of query) {
    const [name = '', modifier] = key.split(':', 2)
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined
    if (parameter === undefined) {
      unknown.push(key)
      continue
    }
    if (modifier !== undefined && !(parameter.type === 'reference' && modifier === 'Patient')) {
      return { ok: false, problem: `The modifier of ${name} is not supported` }
    }
    const tests = splitAtCommas(value).map((alternative) => testOf(parameter.type, alternative))
    if (tests.includes(undefined)) return { ok: false, problem: `The value of ${name} can't be read` }
    known.push({
      name: key,
      value,
      matches: (resource) => {
        const elements = parameter.elements.flatMap((path) => elementsAt(resource, path.split('.')))
        return tests.some((test) => test !== undefined && elements.some(test))
      }
    })
  }
  return { ok: true, known, unknown }
}

type ElementTest = (element: unknown) => boolean

function testOf(type: ParameterType, value: string): ElementTest | undefined {
  if (value === '') return undefined
  switch (type) {
    case 'token':
      return tokenTest(value)
    case 'reference':
      return referenceTest(value)
    case 'string':
      return stringTest(value)
    case 'date': {
      const test = parseDateTest(value)
      if (test === undefined) return undefined
      return (element) => {
        const span = spanOf(element)
        return span !== undefined && test(span)
      }
    }
  }
}

/** `code`, `system|code`, `|code` (without a system), `system|` */
function tokenTest(value: string): ElementTest {
  const bar = value.indexOf('|')
  if (bar === -1) return (element) => codingsOf(element).some((coding) => coding.code === value)
  const system = value.slice(0, bar) || undefined
  const wanted = value.slice(bar + 1)
  return (element) => codingsOf(element).some((coding) => coding.system === system && (wanted === '' || coding.code === wanted))
}

/** A logical id, a relative reference, or an absolute one, which here can only be ours. */
function referenceTest(value: string): ElementTest {
  const wanted = value.split('/').slice(-2).join('/')
  return (element) =>
    referencesOf(element).some((found) => found === wanted || (!wanted.includes('/') && found.endsWith(`/${wanted}`)))
}

/** Each word asked for begins some part, whatever its case and accents. */
function stringTest(value: string): ElementTest {
  const words = plain(value).split(/\s+/).filter(Boolean)
  return (element) => {
    const parts = wordsOf(element)
    return words.length > 0 && words.every((word) => parts.some((part) => part.startsWith(word)))
  }
}

function wordsOf(element: unknown): string[] {
  if (typeof element === 'string') return plain(element).split(/\s+/)
  if (!isObject(element)) return []
  return ['family', 'given', 'text'].flatMap((part) => listOf(element[part]).flatMap(wordsOf))
}

const plain = (value: string) => value.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()

function elementsAt(value: unknown, path: string[]): unknown[] {
  const [first, ...rest] = path
  if (first === undefined) return listOf(value)
  return listOf(value).flatMap((item) => (isObject(item) ? elementsAt(item[first], rest) : []))
}

/** FHIR escapes a comma that is part of a value with a backslash. */
function splitAtCommas(value: string): string[] {
  return value.split(/(?<!\\),/).map((part) => part.replace(/\\([,|$\\])/g, '$1'))
}
