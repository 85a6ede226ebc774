/**
 * What an account may let apps have at a FHIR server, and of one patient's
 * record, where that is less than everything: a parent who may share a child's
 * vaccinations only. What a client may have is scope-policy.ts.
 */
import type { Account } from '../accounts/accounts.ts'
import { patientsOf } from '../accounts/relationships.ts'
import type { FhirServer } from '../config/config.ts'
import { parseResourceScope } from '../smart-scopes/resource-scope.ts'
import { splitScope, within } from './scope-policy.ts'

/** What is left of scopes for this person, with this patient in context if there is one. */
export function scopesForPerson(
  account: Account,
  { fhirServer, patient }: { fhirServer: Pick<FhirServer, 'id' | 'enforces'>; patient?: string | undefined },
  scopes: readonly string[]
): string[] {
  const { id: serverId, enforces } = fhirServer
  const patients = patientsOf(account, serverId)
  const ofPerson = limit(account.people.find((person) => person.fhirServer === serverId)?.scope)
  const ofRelationship = limit(patients.find(({ id }) => id === patient)?.scope)
  const someLimited = patients.some(({ scope }) => scope !== undefined)
  const left = within(ofPerson, scopes, enforces).flatMap((scope) => {
    if (parseResourceScope(scope)?.context !== 'user') return within(ofRelationship, [scope], enforces)
    // user/ reaches the records of everybody whom the account acts for, past what is said of one of them.
    return someLimited ? [] : [scope]
  })
  return [...new Set(left)]
}

function limit(scope: string | undefined): string[] | undefined {
  return scope === undefined ? undefined : splitScope(scope)
}
