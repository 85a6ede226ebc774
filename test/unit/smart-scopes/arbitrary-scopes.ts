/** Scopes that fast-check makes up: few types, values and parameters, so that they often have something to do with each other. */
import fc from 'fast-check'

/** How many cases each property tries: a command of its own runs many more (docs/decisions/scopes.md). */
export const CASES = { numRuns: Number(process.env.KEYWARD_CASES ?? 300) }
/** For so many, on a slow machine, in milliseconds. */
export const TIME = Math.max(10_000, CASES.numRuns * 10)

const letters = fc.subarray(['c', 'r', 'u', 'd', 's'], { minLength: 1 }).map((some) => some.join(''))
const value = fc.constantFrom('a', 'b', 'a,b', '%61', 'http://x.example|a', 'http%3A%2F%2Fx.example%7Ca')
const parameter = fc.constantFrom('category', 'code', 'status', 'code:in', 'patient.birthdate')
const term = fc.tuple(parameter, value).map((both) => both.join('='))
const query = fc.oneof(
  { weight: 2, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.array(term, { minLength: 1, maxLength: 2 }).map((terms) => `?${terms.join('&')}`) }
)
const context = fc.constantFrom('patient', 'user', 'system')
const resourceType = fc.constantFrom('*', 'Observation', 'Condition', 'Patient')
const version2 = fc.tuple(letters, query).map((both) => both.join(''))
const version1 = fc.constantFrom('read', 'write', '*')

export const resourceScope = fc
  .tuple(context, resourceType, fc.oneof({ weight: 3, arbitrary: version2 }, { weight: 1, arbitrary: version1 }))
  .map(([who, what, access]) => `${who}/${what}.${access}`)

const named = fc.constantFrom(
  'openid',
  'fhirUser',
  'profile',
  'launch',
  'launch/patient',
  'launch/imagingstudy',
  'launch/imagingstudy?role=a',
  'offline_access',
  'online_access'
)
/** In none of the grammars, or at their edges. */
const odd = fc.oneof(
  fc.string(),
  fc.constantFrom('', 'patient/Patient.sr', 'patient/Patient.read?category=a', 'Patient/*.rs', 'patient/*.rs?_include=a')
)

export const anyScope = fc.oneof(
  { weight: 6, arbitrary: resourceScope },
  { weight: 3, arbitrary: named },
  { weight: 1, arbitrary: odd }
)
export const someScopes = fc.array(anyScope, { maxLength: 6 })
