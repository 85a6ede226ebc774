/**
 * What the audit trail can say: a closed union, one member per kind of decision.
 * No member can hold a secret: ids of accounts, clients, grants and consents,
 * names of scopes, words of a fixed list. Who acted, when and from where is
 * added by the trail (AuditRecord).
 */
export type AuditEvent =
  | {
      type: 'sign-in'
      outcome: 'accepted' | 'refused'
      reason?: 'wrong-credentials' | 'too-many-attempts' | 'account-disabled' | 'busy' | 'unknown-user'
      accountId?: string
      /** The client whose signed word it was taken on, in place of a password. */
      ehr?: string
    }
  | { type: 'second-factor'; outcome: 'accepted' | 'refused'; reason?: SecondFactorRefusal; accountId: string }
  | { type: 'second-factor-enrolment'; outcome: 'accepted' | 'refused'; reason?: SecondFactorRefusal; accountId: string }
  | ({ type: 'patient-choice'; outcome: 'accepted' | 'refused'; reason?: NotPicked; accountId: string } & OfApp)
  /** At the FHIR server, by Keyward itself. What was typed, and who was found, is not in it. */
  | ({
      type: 'record-search'
      outcome: 'answered' | 'failed' | 'refused'
      reason?: string
      accountId: string
      resourceType: string
      /** How many are on the page that was shown. */
      found?: number
    } & OfApp)
  /** `record` is a relative reference. */
  | ({ type: 'record-choice'; outcome: 'accepted' | 'refused'; reason?: NotPicked; accountId: string; record: string } & OfApp)
  | ({
      type: 'consent'
      outcome: 'granted' | 'refused'
      reason?: string
      accountId: string
      scopes: string[]
      notGranted: string[]
      consentId?: string
    } & OfApp)
  | ({
      type: 'authorization'
      outcome: 'granted' | 'refused'
      reason?: string
      accountId?: string
      scopes?: string[]
      grantId?: string
      /** Where it is not what was granted: the decision, scope by scope. */
      asked?: string[]
      dropped?: { scope: string; why: string; narrowedTo?: string[] }[]
    } & Partial<OfApp>)
  | ({
      type: 'token'
      outcome: 'issued' | 'refused' | 'withdrawn'
      reason?: string
      grantType?: string
      accountId?: string
      scopes?: string[]
      grantId?: string
    } & Partial<OfApp>)
  | ({
      type: 'token-reuse'
      outcome: 'grant-ended'
      what: 'code' | 'refresh-token'
      accountId?: string
      grantId: string
    } & Partial<OfApp>)
  | { type: 'introspection'; outcome: 'refused'; reason: string; clientId?: string }
  | ({
      type: 'revocation'
      outcome: 'revoked' | 'refused'
      reason?: string
      accountId?: string
      grantId?: string
    } & Partial<OfApp>)
  | ({ type: 'access-ended'; outcome: 'ended'; accountId: string; consentId: string } & OfApp)
  | ({
      type: 'launch'
      outcome: 'created' | 'redeemed' | 'given-back' | 'refused'
      reason?: string
      ehr?: string
    } & Partial<OfApp>)
  | { type: 'sign-out'; outcome: 'ended'; accountId: string }
  | { type: 'account'; outcome: 'disabled' | 'enabled' | 'unlocked'; accountId: string }
  | { type: 'client'; outcome: 'disabled' | 'enabled'; clientId: string }
  /** `accountId` is the developer's, at /developer; an overdue request's reason is its clock, a declined one's the ground. */
  | { type: 'registration'; outcome: RegistrationOutcome; reason?: string; clientId?: string; accountId?: string }
  | { type: 'keys'; outcome: 'signing-rotated'; kid: string }
  /** `active` signs from then on. */
  | { type: 'keys'; outcome: 'signing-withdrawn'; kid: string; active: string }
  | { type: 'keys'; outcome: 'refused'; reason: 'changed-meanwhile' }
  | { type: 'keys'; outcome: 'resealing' | 'resealed'; sealingKey: number; records?: number }
  /** The store may have lost what it had acknowledged: what is single-use and was issued before `notBefore` (ISO 8601) is refused. */
  | { type: 'store'; outcome: 'fenced'; reason: 'empty' | 'other-server'; notBefore: string }
  /** Refusals beyond the limit of one address or client (bounded-trail.ts): that they are no longer recorded one by one, and how many it were. */
  | { type: 'refusals'; outcome: 'limited' }
  | { type: 'refusals'; outcome: 'counted'; since: string; refused: number }
  | { type: 'request'; outcome: 'refused'; reason: 'csrf' | 'host' | 'other-browser' | 'step-not-open' | 'form' }

/** What was picked is not this person's, is not shown by the FHIR server, or that server could not be asked. */
type NotPicked = 'not-permitted' | 'not-found' | 'not-answered' | 'too-many-attempts'

export type SecondFactorRefusal = 'wrong-code' | 'code-used' | 'too-many-attempts' | 'malformed'

export type RegistrationOutcome =
  | 'invited'
  | 'registered'
  | 'read'
  | 'changed'
  | 'secret-rotated'
  | 'deleted'
  | 'production-asked'
  | 'production-overdue'
  | 'production-verified'
  | 'production-approved'
  | 'production-declined'
  | 'refused'

interface OfApp {
  clientId: string
  fhirServer: string
  /** A logical id at that FHIR server; absent where no patient is in context. */
  patient?: string
}

/** Where a decision was taken, as web/request.ts knows it. */
export interface AuditSource {
  requestId: string
  /** The address of the peer, or what a trusted proxy says of it. */
  address: string
}

/**
 * What a chain says of itself and of the others: where they stood when it
 * looked, so that cutting their end, or deleting them whole, is found later.
 */
export type ChainEvent =
  | { type: 'audit-chain'; outcome: 'opened' | 'anchored'; anchors: ChainAnchor[] }
  | { type: 'audit-chain'; outcome: 'closed' }

/** That the named chain had a record with this number and this hash. */
export interface ChainAnchor {
  chain: string
  sequence: number
  hash: string
}

/** One link of a chain, as it is stored, exported and verified. */
export interface AuditRecord {
  /** The chain: one per process. */
  chain: string
  /** 1, 2, 3 ... within the chain; 1 is its opening record. */
  sequence: number
  /** ISO 8601, UTC, milliseconds. */
  time: string
  source: AuditSource
  event: AuditEvent | ChainEvent
  /** Of the record before it, hex; 64 zeros in the opening record. */
  previousHash: string
  /** SHA-256 over the canonical JSON of all members above, hex. */
  hash: string
}
