/**
 * Time-based one-time codes (RFC 6238, six digits, SHA-1, 30 seconds) as
 * authenticator apps make them. Which time step a code belongs to is answered
 * here; whether that step may still be used is decided in second-factor.ts.
 */
import { generateSecret, generateURI, verify } from 'otplib'

const STEP_SECONDS = 30
const BASE32 = /^[A-Z2-7]+$/
// RFC 4226 §4, R6: at least 128 bits.
const LEAST_SECRET_CHARACTERS = 26

/** A new key of 160 random bits, base32. */
export function newTotpSecret(): string {
  return generateSecret({ length: 20 })
}

/** A key as an operator or another system writes it, in the one form that is stored. */
export function readTotpSecret(written: string): string {
  const secret = written.replace(/[\s-]/g, '').replace(/=+$/, '').toUpperCase()
  if (!BASE32.test(secret) || secret.length < LEAST_SECRET_CHARACTERS) {
    throw new Error(`a TOTP key must be at least ${LEAST_SECRET_CHARACTERS} base32 characters (A-Z, 2-7)`)
  }
  return secret
}

/** The digits of a typed code, or undefined where it can't be one. Apps show codes in two groups, so spaces may be typed. */
export function readCode(typed: unknown): string | undefined {
  if (typeof typed !== 'string' || typed.length > 20) return undefined
  const digits = typed.replaceAll(' ', '')
  return /^[0-9]{6}$/.test(digits) ? digits : undefined
}

/** The time step whose code this is: the server's current one, the one before or the one after; undefined: none of them. */
export async function matchingStep(secret: string, code: string, nowMs: number): Promise<number | undefined> {
  const result = await verify({
    secret,
    token: code,
    epoch: Math.floor(nowMs / 1000),
    period: STEP_SECONDS,
    epochTolerance: STEP_SECONDS
  })
  return result.valid && 'timeStep' in result ? result.timeStep : undefined
}

/** When a time step begins, in epoch milliseconds. */
export const beginningOf = (step: number): number => step * STEP_SECONDS * 1000

/** What the QR code says. */
export function totpUri(organization: string, username: string, secret: string): string {
  // A colon parts the two halves of the label, so it can't be within either.
  return generateURI({ issuer: organization.replaceAll(':', ' '), label: username.replaceAll(':', ' '), secret })
}
