/**
 * What one authorization request is about: which app asks which person for what,
 * at which FHIR server and about whom. Worked out from the request itself at each
 * step, so that a step relies on nothing that a browser sent to another step.
 */
import type { Account, Accounts } from '../accounts/accounts.ts'
import { fhirUserAt, mayShare, patientsOf, type RelatedPatient } from '../accounts/relationships.ts'
import type { Clients } from '../clients/clients.ts'
import type { ClientConfig, FhirServer } from '../config/config.ts'
import { fhirServerAt, isOpenTo } from './fhir-servers.ts'
import type { Launch, Launches } from './launch.ts'
import { scopesForPerson } from './person-policy.ts'
import { needsPatient, permittedScopes, splitScope } from './scope-policy.ts'

/** The patient in context: none asked for, settled, still to be picked, or impossible (and why). */
export type PatientContext =
  | { state: 'none' }
  | { state: 'settled'; id: string; person?: RelatedPatient }
  | { state: 'to-pick'; people: RelatedPatient[] }
  | { state: 'impossible'; reason: 'not-known-here' | 'no-record' | 'not-permitted' | 'wrong-user' | 'no-record-open' }

export interface Authorization {
  client: ClientConfig
  account: Account
  fhirServer: FhirServer
  /** Asked for, covered by the client's registration, and this person's to give. */
  scopes: string[]
  launch?: Launch
  patient: PatientContext
}

/** Whether it still has to be said, or can't be said, whose record it is about: nothing can be decided before. */
export function isPatientOpen({ patient }: Authorization): boolean {
  return patient.state === 'to-pick' || patient.state === 'impossible'
}

interface AuthorizationRequest {
  /** The parameters of the authorization request. */
  params: Record<string, unknown>
  accountId: string
  /** That account, where it has just been read. */
  account?: Account
  /** The logical id picked at the patient step, if it was passed. */
  pickedPatient?: string | undefined
}

export interface Authorizations {
  /** Undefined where account, client or FHIR server is gone, unknown or disabled: Keyward's own sign-in has no FHIR server. */
  describe(request: AuthorizationRequest): Promise<Authorization | undefined>
}

interface Deps {
  accounts: Accounts
  clients: Clients
  launches: Launches
  fhirServers: readonly FhirServer[]
}

export function createAuthorizations({ accounts, clients, launches, fhirServers }: Deps): Authorizations {
  return {
    async describe({ params, accountId, account: known, pickedPatient }) {
      const fhirServer = fhirServerAt(fhirServers, params.aud)
      if (!fhirServer) return undefined
      const [account, client] = await Promise.all([known ?? accounts.find(accountId), clients.find(text(params.client_id))])
      if (!account || account.disabled || !client || client.disabled || !isOpenTo(fhirServer, client)) return undefined
      const launch =
        params.launch === undefined ? undefined : await launches.redeemed(text(params.launch), text(params.code_challenge))
      const registered = splitScope(client.smart_scope)
      const scopes = permittedScopes(splitScope(text(params.scope)), registered, 'person', fhirServer.enforces)
      const about = { client, account, fhirServer, scopes, ...(launch ? { launch } : {}) }
      if (params.launch !== undefined && !launch) return { ...about, patient: { state: 'impossible', reason: 'no-record-open' } }
      const patient = patientContext(about, pickedPatient)
      const at = { fhirServer, ...(patient.state === 'settled' ? { patient: patient.id } : {}) }
      return { ...about, scopes: scopesForPerson(account, at, scopes), patient }
    }
  }
}

function patientContext(about: Omit<Authorization, 'patient'>, pickedPatient: string | undefined): PatientContext {
  const { account, fhirServer, launch, scopes } = about
  const fhirUser = fhirUserAt(account, fhirServer.id)
  if (!fhirUser) return { state: 'impossible', reason: 'not-known-here' }
  if (launch?.user && launch.user !== fhirUser) return { state: 'impossible', reason: 'wrong-user' }
  const people = patientsOf(account, fhirServer.id)
  if (launch?.context.patient) return settle(about, launch.context.patient)
  if (!needsPatient(scopes)) return { state: 'none' }
  if (account.role === 'clinician') return { state: 'impossible', reason: 'no-record-open' }
  if (pickedPatient !== undefined) return settle(about, pickedPatient)
  const [only, ...others] = people
  if (!only) return { state: 'impossible', reason: 'no-record' }
  return others.length === 0 ? { state: 'settled', id: only.id, person: only } : { state: 'to-pick', people }
}

/** An EHR says which record its clinician has open; a patient's account shares only its own people. */
function settle({ account, fhirServer }: Omit<Authorization, 'patient'>, id: string): PatientContext {
  if (account.role === 'patient' && !mayShare(account, fhirServer.id, id)) return { state: 'impossible', reason: 'not-permitted' }
  const person = patientsOf(account, fhirServer.id).find((one) => one.id === id)
  return { state: 'settled', id, ...(person ? { person } : {}) }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
