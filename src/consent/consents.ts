/**
 * What a person allowed an app to do, kept apart from the Grants that were made
 * from it: one record per account, client, FHIR server and patient. Every token is
 * worth only what this record says now, so ending it is one write. What an organization allowed the app
 * for this person is a record beside it: neither knows of the other, and each ends alone.
 */
import { randomBytes } from 'node:crypto'
import { coveredAmong, parseResourceScope } from '../smart-scopes/resource-scope.ts'
import { everyListed } from '../store/listed.ts'
import type { Kind, Store } from '../store/store.ts'

/** How many scopes of each kind a consent remembers: far more than any app has, so that one that keeps on asking can't let it grow. */
const MOST_REMEMBERED = 2000

/** Whom a consent is between, and about which patient. */
export interface ConsentKey {
  accountId: string
  clientId: string
  /** FHIR server id */
  fhirServer: string
  /** Logical id at that server; absent where no patient is in context. */
  patient?: string | undefined
  /** Set where the organization decides, not the person: worth something only while it still does. */
  by?: 'organization'
}

export interface Consent extends ConsentKey {
  /** New each time that a consent begins: a Grant of an ended one never fits its successor. */
  consentId: string
  /** Names as they were when it was given, for the person's own pages. */
  clientName: string
  patientName?: string
  granted: string[]
  refused: string[]
  /** Epoch milliseconds. */
  since: number
  changedAt: number
  /** Epoch milliseconds at which it ends by itself; absent: when the person stops it. */
  until?: number
}

const consents: Kind<Consent> = { name: 'consent', guessable: true }

export interface Consents {
  find(key: ConsentKey): Promise<Consent | undefined>
  /** The one with this id, between these and about this patient, unless it has ended: one read, as `find`. */
  behind(grant: ConsentKey & { consentId: string | undefined }): Promise<Consent | undefined>
  /**
   * Remembers a decision. What was decided before about other scopes stays. `record` is awaited before it counts, with
   * the id of the consent that it becomes part of; once more where that one ends meanwhile, and another begins.
   */
  decide(key: ConsentKey, decision: Decision, record?: (consentId: string) => Promise<void>): Promise<Consent>
  /** What an account has allowed. */
  of(accountId: string): AsyncIterable<Consent>
  /** Ends one of the account's consents at once, once `record` has resolved; undefined where it has no such. */
  end(accountId: string, consentId: string, record?: (consent: Consent) => Promise<void>): Promise<Consent | undefined>
}

export interface Decision {
  clientName: string
  patientName?: string | undefined
  granted: string[]
  refused: string[]
  /** Epoch milliseconds; undefined: until stopped; 'as-before' where the person was not asked. */
  until?: number | 'as-before' | undefined
}

/** What the id of an organization's decision begins with, and of no person's: it says which of the two records to read. */
const BY_ORGANIZATION = 'org.'

export function createConsents({ store, now }: { store: Store; now: () => number }): Consents {
  async function decide(key: ConsentKey, decision: Decision, record?: (consentId: string) => Promise<void>): Promise<Consent> {
    let recorded: string | undefined
    for (;;) {
      const held = await store.read(consents, idOf(key))
      const consent = decided(key, decision, held?.record, now())
      if (recorded !== consent.consentId) await record?.(consent.consentId)
      recorded = consent.consentId
      const written = await store.commit([
        {
          kind: consents,
          id: idOf(key),
          record: consent,
          indexes: { account: key.accountId },
          ...(consent.until === undefined ? {} : { expiresAt: consent.until }),
          ...(held ? { ifVersion: held.version } : { ifAbsent: true })
        }
      ])
      if (written) return consent
    }
  }

  const of = (accountId: string) => everyListed(store, consents, { name: 'account', value: accountId })
  const read = async (id: string): Promise<Consent | undefined> => (await store.view(consents, id))?.record

  return {
    async find(key) {
      const consent = await read(idOf(key))
      return consent?.by === key.by ? consent : undefined
    },
    async behind(grant) {
      const { consentId } = grant
      if (consentId === undefined) return undefined
      const consent = await read(recordOf({ ...grant, consentId }))
      return consent?.consentId === consentId ? consent : undefined
    },
    decide,
    of,
    async end(accountId, consentId, record) {
      for await (const consent of of(accountId)) {
        if (consent.consentId !== consentId) continue
        await record?.(consent)
        await store.delete(consents, recordOf(consent))
        return consent
      }
      return undefined
    }
  }
}

function decided(key: ConsentKey, decision: Decision, held: Consent | undefined, now: number): Consent {
  // Once both were in one record: what an organization has allowed, no person takes over unasked.
  const before = held?.by === key.by ? held : undefined
  const { granted, refused, clientName, patientName } = decision
  const until = decision.until === 'as-before' ? before?.until : decision.until
  const newly = new Set([...granted, ...refused])
  const kept = (scopes: string[] | undefined): string[] => (scopes ?? []).filter((scope) => !newly.has(scope))
  // What was allowed before ends where it would still give what is refused now.
  const refusedIn = coveredAmong(refused.flatMap((scope) => parseResourceScope(scope) ?? []))
  const standing = kept(before?.granted).filter((scope) => {
    const one = parseResourceScope(scope)
    return one === undefined || refusedIn(one).length === 0
  })
  return {
    accountId: key.accountId,
    clientId: key.clientId,
    fhirServer: key.fhirServer,
    ...(key.patient === undefined ? {} : { patient: key.patient }),
    consentId: before?.consentId ?? (key.by ? BY_ORGANIZATION : '') + randomBytes(16).toString('base64url'),
    clientName,
    ...(patientName === undefined ? {} : { patientName }),
    granted: [...standing, ...granted].slice(-MOST_REMEMBERED),
    refused: [...kept(before?.refused), ...refused].slice(-MOST_REMEMBERED),
    since: before?.since ?? now,
    changedAt: now,
    ...(until === undefined ? {} : { until }),
    ...(key.by ? { by: key.by } : {})
  }
}

/** Length before each part: no two keys run together into one id. */
function idOf({ accountId, clientId, fhirServer, patient, by }: ConsentKey): string {
  const parts = [accountId, clientId, fhirServer, ...(patient === undefined ? [] : [patient])]
  return (by ? BY_ORGANIZATION : '') + parts.map((part) => `${part.length}:${part}`).join('')
}

/** Where the consent with this id is. Once a record of the organization's had the id and the place of a person's. */
function recordOf({ by: _said, ...key }: ConsentKey & { consentId: string }): string {
  return idOf({ ...key, ...(key.consentId.startsWith(BY_ORGANIZATION) ? { by: 'organization' } : {}) })
}
