/**
 * What a token permits at this FHIR server: its scopes, read in SMART's grammar
 * of version 2 and of version 1, met with the patient and the person they are
 * about. A scope that can't be read or enforced here grants nothing. Who signed
 * in can be read by an app that may know it, whatever else it may.
 *
 * SMART App Launch 2.2, "Scopes for requesting FHIR Resources"
 */
import { inCompartment } from './compartment.ts'
import type { Records, Resource } from './resource.ts'
import { type Criterion, readCriteria } from './search-parameters.ts'

export type Interaction = 'c' | 'r' | 'u' | 'd' | 's'

export interface TokenContext {
  scope: string
  patient?: string | undefined
  fhirUser?: string | undefined
}

export interface Access {
  /** Whether the token allows the interaction on anything of that type. */
  allows(interaction: Interaction, type: string): boolean
  /** Whether it allows the interaction on this resource. */
  covers(interaction: Interaction, resource: Resource): boolean
}

interface ResourceScope {
  context: 'patient' | 'user' | 'system'
  resourceType: string
  interactions: string
  query?: string | undefined
}

const VERSION_2 = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]*)\.(?=[cruds])(c?r?u?d?s?)(?:\?(.+))?$/
const VERSION_1 = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]*)\.(read|write|\*)$/
const VERSION_1_INTERACTIONS = new Map([
  ['read', 'rs'],
  ['write', 'cud'],
  ['*', 'cruds']
])

export function parseScope(scope: string): ResourceScope | undefined {
  const [, context, resourceType = '', letters = '', query] = VERSION_2.exec(scope) ?? VERSION_1.exec(scope) ?? []
  if (context !== 'patient' && context !== 'user' && context !== 'system') return undefined
  return { context, resourceType, interactions: VERSION_1_INTERACTIONS.get(letters) ?? letters, query }
}

export function accessOf(token: TokenContext, records: Records): Access {
  const scopes = token.scope
    .split(' ')
    .map(parseScope)
    .filter((scope) => scope !== undefined)
    .map((scope) => ({ ...scope, reach: reachOf(scope, token) }))
    .filter((scope) => scope.reach !== 'nobody')

  const granting = (interaction: Interaction, type: string) =>
    scopes.flatMap((scope) => {
      if (scope.resourceType !== '*' && scope.resourceType !== type) return []
      if (!scope.interactions.includes(interaction)) return []
      const filter = filterOf(scope, type)
      return filter === undefined ? [] : [{ reach: scope.reach, filter }]
    })

  const person = personOf(token)
  return {
    allows: (interaction, type) => granting(interaction, type).length > 0 || (interaction === 'r' && person?.type === type),
    covers: (interaction, resource) =>
      (interaction === 'r' && person?.type === resource.resourceType && person.id === resource.id) ||
      granting(interaction, resource.resourceType).some(
        ({ reach, filter }) =>
          (reach === 'everybody' || (reach !== 'nobody' && inCompartment(resource, reach.patient, records))) &&
          filter.every((criterion) => criterion.matches(resource))
      )
  }
}

/** Whose resource `fhirUser` names, where the app may know it. SMART App Launch 2.2, "Scopes for requesting identity data" */
function personOf({ scope, fhirUser }: TokenContext): { type: string; id: string } | undefined {
  const [type, id] = fhirUser?.split('/').slice(-2) ?? []
  return scope.split(' ').includes('fhirUser') && type !== undefined && id !== undefined ? { type, id } : undefined
}

type Reach = 'everybody' | 'nobody' | { patient: string }

function reachOf(scope: ResourceScope, { patient, fhirUser }: TokenContext): Reach {
  if (scope.context === 'system') return 'everybody'
  if (scope.context === 'patient') return patient === undefined ? 'nobody' : { patient }
  const [type, id] = fhirUser?.split('/').slice(-2) ?? []
  if (type === 'Practitioner' || type === 'PractitionerRole') return 'everybody'
  return type === 'Patient' && id !== undefined ? { patient: id } : 'nobody'
}

/** The scope's query as criteria of this server; undefined where it can't enforce all of it. */
function filterOf(scope: ResourceScope, type: string): Criterion[] | undefined {
  const criteria = readCriteria(type, new URLSearchParams(scope.query ?? ''))
  return criteria.ok && criteria.unknown.length === 0 ? criteria.known : undefined
}
