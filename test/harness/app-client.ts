/** An app as Keyward sees it: builds authorization requests, redeems codes, refreshes, revokes; and the FHIR server that introspects. */
import { createHash, randomBytes } from 'node:crypto'
import { generate } from 'otplib'
import type { Browser, Page } from './browser.ts'
import { APP_REDIRECT, FHIR_BASE, PASSWORD, SECRETS, TOTP } from './clinic-config.ts'
import { noteSecret } from './run-folder.ts'

export interface TokenResponse {
  status: number
  headers: Headers
  text: string
  body: {
    access_token?: string
    refresh_token?: string
    id_token?: string
    scope?: string
    expires_in?: number
    token_type?: string
    patient?: string
    encounter?: string
    error?: string
    error_description?: string
  }
}

export interface AppOptions {
  clientId?: string
  redirectUri?: string
  secret?: string
}

export interface AppClient {
  verifier: string
  /** Members set to undefined are left out. */
  authorizationUrl(params?: Record<string, string | undefined>): string
  /** The code in a callback; throws with the error that is there instead. */
  codeFrom(callback: Page): string
  redeem(code: string, changes?: Record<string, string | undefined>): Promise<TokenResponse>
  refresh(refreshToken: string, changes?: Record<string, string | undefined>): Promise<TokenResponse>
  revoke(token: string, changes?: Record<string, string | undefined>): Promise<Response>
  post(path: string, form: Record<string, string | undefined>, headers?: Record<string, string>): Promise<Response>
}

export const DEFAULT_SCOPE = 'openid fhirUser offline_access launch/patient patient/Patient.rs patient/AllergyIntolerance.rs'

export function newApp(
  issuer: string,
  { clientId = 'heart-app', redirectUri = APP_REDIRECT, secret }: AppOptions = {}
): AppClient {
  const verifier = randomBytes(32).toString('base64url')
  noteSecret('code verifier', verifier)
  noteSecret('client secret', secret)
  const authorization: Record<string, string> = secret ? { Authorization: basic(clientId, secret) } : {}
  const identity = secret ? {} : { client_id: clientId }

  async function post(
    path: string,
    form: Record<string, string | undefined>,
    headers: Record<string, string> = {}
  ): Promise<Response> {
    return fetch(`${issuer}${path}`, {
      method: 'POST',
      body: formOf(form),
      headers: { ...authorization, ...headers },
      redirect: 'manual'
    })
  }
  async function token(form: Record<string, string | undefined>): Promise<TokenResponse> {
    const response = await post('/token', form)
    const text = await response.text()
    const body: TokenResponse['body'] = JSON.parse(text)
    noteSecret('access token', body.access_token)
    noteSecret('refresh token', body.refresh_token)
    noteSecret('id_token', body.id_token)
    return { status: response.status, headers: response.headers, text, body }
  }

  return {
    verifier,
    authorizationUrl: (params = {}) => {
      const all = {
        client_id: clientId,
        response_type: 'code',
        redirect_uri: redirectUri,
        scope: DEFAULT_SCOPE,
        state: 'state-of-the-app',
        aud: FHIR_BASE,
        code_challenge: challengeOf(verifier),
        code_challenge_method: 'S256',
        ...params
      }
      return `${issuer}/authorize?${formOf(all)}`
    },
    codeFrom(callback) {
      const params = new URL(callback.url).searchParams
      const code = params.get('code')
      noteSecret('authorization code', code ?? undefined)
      if (!code) throw new Error(`no code: ${callback.status} ${callback.url} ${callback.html.slice(0, 200)}`)
      return code
    },
    redeem: (code, changes = {}) =>
      token({
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        ...identity,
        ...changes
      }),
    refresh: (refreshToken, changes = {}) =>
      token({ grant_type: 'refresh_token', refresh_token: refreshToken, ...identity, ...changes }),
    revoke: (value, changes = {}) => post('/revoke', { token: value, ...identity, ...changes }),
    post
  }
}

export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

/** RFC 6749 §2.3.1: both parts form-encoded. */
export function basic(id: string, secret: string): string {
  const encode = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2)
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`
}

function formOf(form: Record<string, string | undefined>): URLSearchParams {
  return new URLSearchParams(Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** What the clinic's FHIR server is told of a token: status, and the body as it came. */
export async function introspect(
  issuer: string,
  token: string,
  by: 'clinic-fhir' | 'other-fhir' = 'clinic-fhir'
): Promise<{ status: number; text: string; body: Record<string, unknown> }> {
  const response = await fetch(`${issuer}/introspect`, {
    method: 'POST',
    headers: { Authorization: basic(by, SECRETS[by]) },
    body: new URLSearchParams({ token })
  })
  const text = await response.text()
  return { status: response.status, text, body: JSON.parse(text) }
}

/** The code that an authenticator app shows: each is good once, so a test that signs in again moves the time on, or names another account. */
export async function totpCode(username: keyof typeof TOTP, atMs: number = Date.now()): Promise<string> {
  return generate({ secret: TOTP[username], epoch: Math.floor(atMs / 1000) })
}

export interface SignInAs {
  username?: keyof typeof TOTP
  patient?: string
  /** Which of the boxes to tick: a list, or a filter of what is offered; left out: as they start. */
  tick?: string[] | ((scope: string) => boolean)
  decision?: 'allow' | 'deny'
}

/** Walks every step that Keyward asks for, from an authorization URL to the app's callback or to where it ends. */
export async function authorize(
  browser: Browser,
  url: string,
  { username = 'maria', patient = 'leo', tick, decision = 'allow' }: SignInAs = {}
): Promise<Page> {
  let page = await browser.open(url)
  for (let steps = 0; steps < 5 && page.step !== ''; steps++) {
    const before = page.url
    if (page.step === 'login') page = await browser.submit({ username, password: PASSWORD })
    else if (page.step === 'mfa') page = await browser.submit({ code: await totpCode(username) })
    else if (page.step === 'patient') page = await browser.submit({ patient })
    else page = await browser.submit({ decision, ...(tick ? { scope: ticked(browser, tick) } : {}) })
    if (page.url === before) break
  }
  return page
}

export function ticked(browser: Browser, tick: string[] | ((scope: string) => boolean)): string[] {
  if (Array.isArray(tick)) return tick
  return browser
    .form()
    .checkboxes.filter(({ name }) => name === 'scope')
    .map(({ value }) => value)
    .filter(tick)
}
