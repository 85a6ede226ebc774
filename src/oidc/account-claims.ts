/** The account as the engine knows it: whose token it is, and what an id_token says. OIDC Core §5, SMART App Launch 2.2 "fhirUser" */
import type { Account as EngineAccount } from 'oidc-provider'
import type { Account } from '../accounts/accounts.ts'
import { fhirUserAt } from '../accounts/relationships.ts'
import type { FhirServer } from '../config/config.ts'

export function engineAccount(account: Account, fhirServer: FhirServer | undefined): EngineAccount {
  const fhirUser = fhirServer && absoluteFhirUser(account, fhirServer)
  return {
    accountId: account.sub,
    claims: () => ({ sub: account.sub, name: account.name, ...(fhirUser ? { fhirUser } : {}) })
  }
}

/** The absolute URL of the resource that is this account at a FHIR server. */
export function absoluteFhirUser(account: Account, { id, baseUrl }: FhirServer): string | undefined {
  const reference = fhirUserAt(account, id)
  return reference && `${baseUrl.replace(/\/$/, '')}/${reference}`
}
