/**
 * What one authorization request is about: which app asks which person for what,
 * at which FHIR server and about whom. Worked out from the request itself at each
 * step, so that a step relies on nothing that a browser sent to another step.
 */
import type { Account, Accounts } from '../accounts/accounts.ts'
import { fhirUserAt, mayShare, patientsOf, type RelatedPatient } from '../accounts/relationships.ts'
import type { Clients } from '../clients/clients.ts'
import type { ClientConfig, FhirServer } from '../config/config.ts'
import {
  type AskedRecord,
  askedRecords,
  contextOfPicks,
  isSame,
  type PickedRecord,
  withoutOtherContexts
} from './asked-context.ts'
import { fhirServerAt, isOpenTo } from './fhir-servers.ts'
import type { Launch, Launches } from './launch.ts'
import type { LaunchContext } from './launch-context.ts'
import { scopesForPerson } from './person-policy.ts'
import { needsPatient, permittedScopes, splitScope } from './scope-policy.ts'

/** The patient in context: none asked for, settled, still to be picked or searched for, or impossible (and why). */
export type PatientContext =
  | { state: 'none' }
  | { state: 'settled'; id: string; person?: RelatedPatient }
  | { state: 'to-pick'; people: RelatedPatient[] }
  | { state: 'to-search' }
  | { state: 'impossible'; reason: 'not-known-here' | 'no-record' | 'not-permitted' | 'wrong-user' | 'no-record-open' }

export interface Authorization {
  client: ClientConfig
  account: Account
  fhirServer: FhirServer
  /** Asked for, covered by the client's registration, and this person's to give. */
  scopes: string[]
  launch?: Launch
  patient: PatientContext
  /** What else is asked for: records of the patient, in the order asked for. */
  records: { toPick: AskedRecord[]; picked: PickedRecord[] }
}

/** Whether it still has to be said, or can't be said, what it is about: nothing can be decided before. */
export function isContextOpen({ patient, records }: Authorization): boolean {
  return (patient.state !== 'none' && patient.state !== 'settled') || records.toPick.length > 0
}

/** What the tokens of this authorization carry. */
export function launchContextOf({ launch, patient, records }: Authorization): LaunchContext {
  return {
    ...launch?.context,
    ...(patient.state === 'settled' ? { patient: patient.id } : {}),
    ...contextOfPicks(records.picked)
  }
}

interface AuthorizationRequest {
  /** The parameters of the authorization request. */
  params: Record<string, unknown>
  accountId: string
  /** That account, where it has just been read. */
  account?: Account
  /** What was picked at the patient step, and looked up there. */
  picked?: Picks
}

interface Picks {
  patient?: { id: string; name?: string; birthDate?: string } | null
  records?: PickedRecord[]
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
    async describe({ params, accountId, account: known, picked = {} }) {
      const fhirServer = fhirServerAt(fhirServers, params.aud)
      if (!fhirServer) return undefined
      const [account, client] = await Promise.all([known ?? accounts.find(accountId), clients.find(text(params.client_id))])
      if (!account || account.disabled || !client || client.disabled || !isOpenTo(fhirServer, client)) return undefined
      const launch =
        params.launch === undefined ? undefined : await launches.redeemed(text(params.launch), text(params.code_challenge))
      const registered = splitScope(client.smart_scope)
      const permitted = permittedScopes(splitScope(text(params.scope)), registered, 'person', fhirServer.enforces)
      const isStandalone = params.launch === undefined
      // What an EHR has open it says itself.
      const asked = isStandalone && fhirServer.patientSearch ? askedRecords(permitted) : []
      const scopes = isStandalone ? withoutOtherContexts(permitted, asked) : permitted
      const about = { client, account, fhirServer, scopes, ...(launch ? { launch } : {}) }
      const records = { toPick: [], picked: [] }
      if (!isStandalone && !launch) return { ...about, records, patient: { state: 'impossible', reason: 'no-record-open' } }
      const patient = patientContext(about, asked.length > 0, picked)
      const at = { fhirServer, ...(patient.state === 'settled' ? { patient: patient.id } : {}) }
      const theirs = scopesForPerson(account, at, scopes)
      if (patient.state !== 'settled') return { ...about, scopes: theirs, patient, records }
      const shown = asked.filter(({ resourceType }) => maySee(account, at, resourceType))
      return {
        ...about,
        scopes: isStandalone ? withoutOtherContexts(theirs, shown) : theirs,
        patient,
        records: recordsOf(shown, picked.records ?? [])
      }
    }
  }
}

function recordsOf(shown: readonly AskedRecord[], picks: readonly PickedRecord[]): Authorization['records'] {
  return {
    toPick: shown.filter((one) => !picks.some((pick) => isSame(pick, one))),
    picked: picks.filter((pick) => shown.some((one) => isSame(one, pick)))
  }
}

/** Whoever may share only some of a record is not shown the rest of it in order to pick. */
function maySee(account: Account, at: Parameters<typeof scopesForPerson>[1], resourceType: string): boolean {
  const contexts = account.role === 'clinician' ? ['user', 'patient'] : ['patient']
  const scopes = contexts.map((context) => `${context}/${resourceType}.rs`)
  return scopesForPerson(account, at, scopes).some((scope) => scopes.includes(scope))
}

function patientContext(
  about: Pick<Authorization, 'account' | 'fhirServer' | 'scopes' | 'launch'>,
  ofAPatient: boolean,
  { patient: picked }: Picks
): PatientContext {
  const { account, fhirServer, launch, scopes } = about
  // Whoever makes apps has no record to give to one, whatever the account says.
  const fhirUser = account.role === 'developer' ? undefined : fhirUserAt(account, fhirServer.id)
  if (!fhirUser) return { state: 'impossible', reason: 'not-known-here' }
  if (launch?.user && launch.user !== fhirUser) return { state: 'impossible', reason: 'wrong-user' }
  const people = patientsOf(account, fhirServer.id)
  if (launch?.context.patient) return settle(about, launch.context.patient)
  if (!needsPatient(scopes) && !ofAPatient) return { state: 'none' }
  if (account.role === 'clinician') return searchedPatient(about, picked)
  if (picked) return settle(about, picked.id)
  const [only, ...others] = people
  if (!only) return { state: 'impossible', reason: 'no-record' }
  return others.length === 0 ? { state: 'settled', id: only.id, person: only } : { state: 'to-pick', people }
}

/** A clinician looks for the patient at the FHIR server, where Keyward may ask it, and no EHR has opened the app. */
function searchedPatient(
  { fhirServer, launch }: Pick<Authorization, 'fhirServer' | 'launch'>,
  picked: Picks['patient']
): PatientContext {
  if (launch || !fhirServer.patientSearch) return { state: 'impossible', reason: 'no-record-open' }
  if (!picked) return { state: 'to-search' }
  const { id, name, birthDate } = picked
  if (!name) return { state: 'settled', id }
  return {
    state: 'settled',
    id,
    person: { id, name, relationship: 'patient', ...(birthDate === undefined ? {} : { birthDate }) }
  }
}

/** An EHR says which record its clinician has open; a patient's account shares only its own people. */
function settle({ account, fhirServer }: Pick<Authorization, 'account' | 'fhirServer'>, id: string): PatientContext {
  if (account.role === 'patient' && !mayShare(account, fhirServer.id, id)) return { state: 'impossible', reason: 'not-permitted' }
  const person = patientsOf(account, fhirServer.id).find((one) => one.id === id)
  return { state: 'settled', id, ...(person ? { person } : {}) }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
