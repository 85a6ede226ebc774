/**
 * The authorization code flow of an app with a server: PKCE, state, nonce, and the app's own proof of who it is. What the
 * browser carries is the code; the tokens come to the server and stay there.
 *
 * SMART App Launch 2.2, "Standalone Launch"; RFC 9207; OpenID Connect Core 3.1.3.7
 */
import { createHash, randomBytes } from 'node:crypto'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { Credentials } from '../oauth/credentials.ts'
import { askTokens, discover, readRecords, revoke, type SmartConfiguration, type Tokens } from '../oauth/requests.ts'
import type { WebApp } from '../parties.ts'

/** Of an authorization that is under way. */
export interface Pending {
  state: string
  nonce: string
  verifier: string
}

/** Of one that came to its end. */
export interface Connected {
  accessToken: string
  refreshToken: string | undefined
  scope: string
  patient: string
  fhirUser: string
}

interface Deps {
  app: WebApp
  fhirBaseUrl: string
  credentials: Credentials
}

export type Connection = ReturnType<typeof createConnection>

export function createConnection({ app, fhirBaseUrl, credentials }: Deps) {
  const { clientId, redirectUri, scope } = app

  async function begin(): Promise<{ address: string; pending: Pending }> {
    const { authorization_endpoint } = await discover(fhirBaseUrl)
    const pending = { state: random(), nonce: random(), verifier: random() }
    const address = new URL(authorization_endpoint)
    address.search = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      scope,
      aud: fhirBaseUrl,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: createHash('sha256').update(pending.verifier).digest('base64url'),
      code_challenge_method: 'S256'
    }).toString()
    return { address: address.href, pending }
  }

  /** Of what the browser came back with. Throws an Error that says why not. */
  async function finish(answer: URLSearchParams, { state, nonce, verifier }: Pending): Promise<Connected> {
    if (answer.get('state') !== state) throw new Error('This answer belongs to another sign-in.')
    const denied = answer.get('error')
    if (denied === 'access_denied') throw new Error('You did not share anything, so this app sees nothing. That is fine.')
    if (denied !== null) throw new Error(`The sign-in ended with ${denied}: ${answer.get('error_description') ?? ''}`)
    const keyward = await discover(fhirBaseUrl)
    if (answer.get('iss') !== keyward.issuer) throw new Error('This answer comes from another sign-in server.')
    const form = { grant_type: 'authorization_code', code: answer.get('code') ?? '', redirect_uri: redirectUri }
    const tokens = await askTokens(keyward.token_endpoint, { ...form, code_verifier: verifier }, credentials)
    return { ...connected(tokens), fhirUser: await signedInUser(tokens, keyward, nonce) }
  }

  async function signedInUser({ id_token: idToken }: Tokens, keyward: SmartConfiguration, nonce: string): Promise<string> {
    const keys = createRemoteJWKSet(new URL(keyward.jwks_uri))
    const { payload } = await jwtVerify(idToken ?? '', keys, { issuer: keyward.issuer, audience: clientId })
    if (payload.nonce !== nonce) throw new Error('This answer belongs to another sign-in.')
    return typeof payload.fhirUser === 'string' ? payload.fhirUser : ''
  }

  async function renew({ refreshToken = '', fhirUser }: Connected): Promise<Connected> {
    const { token_endpoint } = await discover(fhirBaseUrl)
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
    return { ...connected(await askTokens(token_endpoint, form, credentials)), fhirUser }
  }

  async function end({ refreshToken, accessToken }: Connected): Promise<void> {
    const { revocation_endpoint } = await discover(fhirBaseUrl)
    await revoke(revocation_endpoint, refreshToken ?? accessToken, credentials)
  }

  return {
    begin,
    finish,
    renew,
    end,
    read: (path: string, { accessToken }: Connected) => readRecords(`${fhirBaseUrl}/${path}`, accessToken)
  }
}

function connected({ access_token: accessToken, refresh_token: refreshToken, scope, patient = '' }: Tokens) {
  return { accessToken, refreshToken, scope, patient }
}

function random(): string {
  return randomBytes(32).toString('base64url')
}
