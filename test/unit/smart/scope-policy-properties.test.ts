import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { Account } from '../../../src/accounts/accounts.ts'
import { scopesForPerson } from '../../../src/smart/person-policy.ts'
import { permittedScopes, stillPermitted, within } from '../../../src/smart/scope-policy.ts'
import { coveredBy, parseResourceScope, type ResourceScope } from '../../../src/smart-scopes/resource-scope.ts'
import { parseSearchFilter } from '../../../src/smart-scopes/search-filter.ts'
import { anyScope, CASES, someScopes, TIME } from '../smart-scopes/arbitrary-scopes.ts'

vi.setConfig({ testTimeout: TIME })

const enforcement = fc.record({
  categories: fc.subarray(['Observation', 'Condition']),
  parameters: fc.subarray(['Observation.code', 'Condition.status', '*.code:in', 'Patient.patient.birthdate'])
})
const EVERY_PARAMETER = { parameters: ['*.category', '*.code', '*.status', '*.code:in', '*.patient.birthdate'] }
const holder = fc.constantFrom('person' as const, 'system' as const)
/** Asked for, and registered, of which the first is a part of the second more often than chance would have it. */
const asked = fc
  .tuple(someScopes, someScopes, fc.array(anyScope, { maxLength: 2 }))
  .map(([requested, registered, both]) => ({ requested: [...requested, ...both], registered: [...registered, ...both] }))

test('SM-203, SM-204: what may be granted was asked for as it is, is covered by the registration, and is enforced', () => {
  fc.assert(
    fc.property(asked, holder, enforcement, ({ requested, registered }, who, enforces) => {
      const permitted = permittedScopes(requested, registered, who, enforces)
      expect(permitted).toEqual([...new Set(requested)].filter((scope) => permitted.includes(scope)))
      for (const scope of permitted) {
        const one = parseResourceScope(scope)
        if (!one) expect([who, coveredByName(registered, scope)]).toEqual(['person', true])
        else {
          expect(one.context === 'system').toBe(who === 'system')
          expect(coveredBy(parsed(registered), one)).toBe(true)
          expectEnforced(one, enforces)
        }
      }
    }),
    CASES
  )
})

test('SM-204: a granted set is covered by the request, the client, the person, the relationship and the FHIR server', () => {
  const limit = fc.option(someScopes, { nil: undefined })
  fc.assert(
    fc.property(
      asked,
      enforcement,
      limit,
      limit,
      fc.boolean(),
      ({ requested, registered }, enforces, own, related, inContext) => {
        const permitted = permittedScopes(requested, registered, 'person', enforces)
        const account = accountWith(own, related)
        const at = { fhirServer: { id: 'clinic', enforces }, ...(inContext ? { patient: 'leo' } : {}) }
        const granted = scopesForPerson(account, at, permitted)
        const ceilings = [requested, registered, permitted, ...(own ? [own] : []), ...(related && inContext ? [related] : [])]
        for (const scope of granted) {
          const one = parseResourceScope(scope)
          if (!one) expect(permitted).toContain(scope)
          else for (const ceiling of ceilings) expect(coveredBy(parsed(ceiling), one)).toBe(true)
          if (one) expectEnforced(one, enforces)
          if (related) expect(scope).not.toMatch(/^user\//)
        }
        // What was granted is still so when it is asked about, as long as nothing has changed.
        expect(scopesForPerson(account, at, granted)).toEqual(granted)
      }
    ),
    CASES
  )
})

test('SM-204: a policy gives what is common to it and the request, no more and no less', () => {
  fc.assert(
    fc.property(someScopes, someScopes, anyScope, (policy, scopes, probe) => {
      const left = within(policy, scopes, EVERY_PARAMETER)
      const one = parseResourceScope(probe)
      if (one && [policy, scopes].every((list) => parsed(list).some((held) => coveredBy([held], one))))
        expect(coveredBy(parsed(left), one)).toBe(true)
      for (const scope of parsed(left))
        expect([coveredBy(parsed(policy), scope), coveredBy(parsed(scopes), scope)]).toEqual([true, true])
      expect(within(policy, left, EVERY_PARAMETER)).toEqual(left)
    }),
    CASES
  )
})

test('SM-228: of a token nothing is left that it did not have', () => {
  fc.assert(
    fc.property(asked, someScopes, enforcement, ({ requested, registered }, granted, enforces) => {
      const left = stillPermitted(requested, granted, registered, enforces)
      expect(left.filter((scope) => !requested.includes(scope))).toEqual([])
      for (const scope of parsed(left)) expect(coveredBy(parsed(granted), scope)).toBe(true)
    }),
    CASES
  )
})

function parsed(scopes: readonly string[]): ResourceScope[] {
  return scopes.flatMap((scope) => parseResourceScope(scope) ?? [])
}

function coveredByName(registered: readonly string[], scope: string): boolean {
  return registered.includes(scope) || registered.includes(scope.replace(/\?role=.*$/, ''))
}

function expectEnforced({ resourceType, query }: ResourceScope, enforces: { categories: string[]; parameters: string[] }): void {
  const listed = [...enforces.parameters, ...enforces.categories.map((type) => `${type}.category`)]
  for (const { name } of query === undefined ? [] : (parseSearchFilter(query) ?? []))
    expect(listed.some((one) => one === `${resourceType}.${name}` || one === `*.${name}`)).toBe(true)
}

function accountWith(own: string[] | undefined, related: string[] | undefined): Account {
  const limit = (scopes: string[] | undefined) => (scopes ? { scope: scopes.join(' ') } : {})
  const patient = { id: 'leo', relationship: 'child', name: 'Leo', ...limit(related) }
  const people = [{ fhirServer: 'clinic', fhirUser: 'Patient/maria', patients: [patient], ...limit(own) }]
  return {
    sub: 'maria',
    username: 'maria',
    name: 'Maria',
    role: 'patient',
    passwordHash: '',
    people,
    disabled: false,
    createdAt: 0
  }
}
