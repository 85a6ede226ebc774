/**
 * A client assertion as it is written: what its header and claims must say,
 * whoever signed it. Whose key verifies it is asked in client-keys.ts, whether it
 * was used before in assertions.ts. Strict: a member that is missing, of another
 * type or unknown to be safe is refused.
 *
 * RFC 7523 §3, RFC 7515 §4.1, SMART App Launch 2.2 "Authentication using asymmetric keys"
 */
import { ASSERTION_ALGORITHMS, type AssertionAlgorithm } from '../config/public-jwk.ts'
import { type Members, membersOf, partsOf, REFUSED_HEADERS } from './compact-jws.ts'

export interface Assertion {
  alg: AssertionAlgorithm
  kid: string
  jku: string | undefined
  /** iss and sub alike. */
  clientId: string
  jti: string
  /** Epoch milliseconds: until when it is accepted, this server's tolerance included. */
  acceptedUntil: number
  /** Epoch milliseconds: when it was made by its client's clock; where it doesn't say, the earliest that it can have been. */
  issuedAt: number
  signed: Buffer
  signature: Buffer
}

/** Any signed statement of one party about another, in the form of an assertion. */
export interface Statement extends Omit<Assertion, 'clientId'> {
  issuer: string
  subject: string
  claims: ReadonlyMap<string, unknown>
}

interface Expectations {
  /** The values that `aud` may have. */
  audiences: readonly string[]
  now: number
}

/** SMART: "The expiration time ... SHALL be no more than five minutes in the future". In seconds. */
const LONGEST_LIFE = 300
/** How far a client's clock may be off, in seconds; so that no assertion is accepted for longer than six minutes. */
export const CLOCK_SKEW = 30
const LONGEST_ASSERTION = 16_384
const LONGEST_MEMBER = 255

/** The assertion, or what is wrong with it: a sentence for the client's developer that holds nothing of what was sent. */
export function readAssertion(written: string, expectations: Expectations): Assertion | string {
  const statement = readStatement(written, expectations, ({ issuer, subject }) => issuer === subject)
  if (statement === undefined) return 'iss and sub of the assertion must both be the client_id'
  if (typeof statement === 'string') return statement
  const { issuer, subject: _same, claims: _claims, ...assertion } = statement
  return { ...assertion, clientId: issuer }
}

/** Undefined where iss and sub are missing, or not the parties that are wanted. */
export function readStatement(
  written: string,
  { audiences, now }: Expectations,
  areWanted: (parties: Pick<Statement, 'issuer' | 'subject'>) => boolean
): Statement | string | undefined {
  const parts = partsOf(written, LONGEST_ASSERTION)
  if (!parts) return 'the assertion is not a signed JWT'
  const { header, payload, signed, signature } = parts
  const head = membersOf(header)
  if (!head) return 'the header of the assertion is not a JSON object'
  const claims = membersOf(payload)
  if (!claims) return 'the claims of the assertion are not a JSON object'
  const signedBy = readHeader(head)
  if (typeof signedBy === 'string') return signedBy
  const issuer = word(claims.get('iss'))
  const subject = word(claims.get('sub'))
  if (issuer === undefined || subject === undefined || !areWanted({ issuer, subject })) return undefined
  const about = readClaims(claims, { audiences, now: now / 1000 })
  if (typeof about === 'string') return about
  return {
    ...signedBy,
    ...about,
    issuer,
    subject,
    claims,
    signed,
    signature
  }
}

function readHeader(head: Members): Pick<Assertion, 'alg' | 'kid' | 'jku'> | string {
  if (head.get('typ') !== 'JWT') return 'the header of the assertion must have the typ JWT'
  const alg = ASSERTION_ALGORITHMS.find((one) => one === head.get('alg'))
  if (!alg) return `the header of the assertion must have the alg ${ASSERTION_ALGORITHMS.join(' or ')}`
  const kid = word(head.get('kid'))
  if (kid === undefined) return 'the header of the assertion must have a kid'
  const refused = REFUSED_HEADERS.find((name) => head.has(name))
  if (refused) return `the header of the assertion must not have ${refused}`
  const jku = head.get('jku')
  if (jku !== undefined && typeof jku !== 'string') return 'the jku of the assertion must be the registered jwks_uri'
  return { alg, kid, jku }
}

function readClaims(
  claims: Members,
  { audiences, now }: Expectations
): Pick<Assertion, 'jti' | 'acceptedUntil' | 'issuedAt'> | string {
  const aud = claims.get('aud')
  if (!audiences.some((one) => one === aud)) return `aud of the assertion must be ${audiences.join(' or ')}`
  const jti = word(claims.get('jti'))
  if (jti === undefined) return `jti of the assertion must be 1 to ${LONGEST_MEMBER} characters that no other assertion has`
  const exp = claims.get('exp')
  if (!isTime(exp)) return 'exp of the assertion must be a time in seconds'
  if (exp <= now - CLOCK_SKEW) return 'the assertion has expired'
  if (exp > now + LONGEST_LIFE + CLOCK_SKEW) return `exp of the assertion must be at most ${LONGEST_LIFE} seconds ahead`
  for (const name of ['nbf', 'iat']) {
    const time = claims.get(name)
    if (time === undefined) continue
    if (!isTime(time)) return `${name} of the assertion must be a time in seconds`
    if (time > now + CLOCK_SKEW) return `${name} of the assertion is in the future`
  }
  const iat = claims.get('iat')
  const issuedAt = isTime(iat) ? iat : exp - LONGEST_LIFE
  return { jti, acceptedUntil: (exp + CLOCK_SKEW) * 1000, issuedAt: issuedAt * 1000 }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function word(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_MEMBER ? value : undefined
}
