/**
 * Keyward's token endpoint and the engine's (bare-engine.ts) on one store, asked the same: each side has a code and tokens
 * of its own, of the same app and person.
 */
import { type AppOptions, basic } from './app-client.ts'
import { type BareEngine, startBareEngine } from './bare-engine.ts'
import { APP_REDIRECT, SECRETS } from './clinic-config.ts'
import { type Keyward, type StoreName, startKeyward } from './keyward.ts'
import { newVisit, strictly, type Tokens, type Visit } from './visit.ts'

export interface Asked {
  path?: '/token' | '/revoke'
  form: string | Record<string, string | undefined>
  headers?: Record<string, string>
}

export interface Answered {
  status: number
  error: unknown
  /** Names of the body's members, without those that are Keyward's or the engine's alone. */
  members: string[]
  type: string | null
  /** Access-Control-Allow-Origin */
  allowed: string | null
  body: Record<string, unknown>
}

/** What a request is about. */
export interface Given {
  code: string
  verifier: string
  tokens: Tokens
}

/** `base` is the side that will be asked. */
export type Scenario = (given: Given, base: string) => Asked | Promise<Asked>

export const LAB = basic('lab-app', SECRETS['lab-app'])
export const HEART = { client_id: 'heart-app' }

export const redemption = ({ code, verifier }: Given, changes: Record<string, string | undefined> = {}): Asked => ({
  form: { grant_type: 'authorization_code', code, redirect_uri: APP_REDIRECT, code_verifier: verifier, ...HEART, ...changes }
})

export const refreshing = ({ tokens }: Given, changes: Record<string, string | undefined> = {}): Asked => ({
  form: { grant_type: 'refresh_token', refresh_token: tokens.refresh, ...HEART, ...changes }
})

export const revoking = (token: string, changes: Record<string, string | undefined> = {}): Asked => ({
  path: '/revoke',
  form: { token, ...HEART, ...changes }
})

/** With one more value of a parameter. */
export const twice = (asked: Asked, name: string, value: string): Asked => ({
  ...asked,
  form: `${formOf(asked)}&${new URLSearchParams({ [name]: value })}`
})

export const withHeaders = (asked: Asked, headers: Record<string, string>): Asked => ({ ...asked, headers })

export function formOf({ form }: Asked): string {
  if (typeof form === 'string') return form
  const defined = Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return new URLSearchParams(defined).toString()
}

export interface Pair {
  keyward: Keyward
  engine: BareEngine
  visit: Visit
  given(of?: Visit): Promise<Given>
  ask(base: string, asked: Asked): Promise<Answered>
  /** Asks each side about a code or tokens of its own. */
  both(scenario: Scenario, of?: Visit): Promise<{ ours: Answered; theirs: Answered; first: Given; second: Given }>
  /** Another app in the same browser. */
  visitOf(app: AppOptions): Visit
  stop(): Promise<void>
}

/** Without a window for second tries, which the engine does not have. */
export async function startPair(store: StoreName): Promise<Pair> {
  const keyward = await startKeyward({ store, change: strictly })
  const engine = await startBareEngine(keyward)
  const visit = newVisit(keyward)

  async function given(of = visit): Promise<Given> {
    return { code: await of.code({ nonce: 'n-1' }), verifier: of.app.verifier, tokens: await of.tokens({ nonce: 'n-2' }) }
  }

  async function ask(base: string, asked: Asked): Promise<Answered> {
    const path = asked.path ?? '/token'
    const answer = await fetch(`${base}${path === '/revoke' && base === engine.url ? '/token/revocation' : path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...asked.headers },
      body: formOf(asked)
    })
    const text = await answer.text()
    const body: Record<string, unknown> = text === '' ? {} : JSON.parse(text)
    // SMART's context is ours alone; the engine adds to invalid_scope which scopes it meant.
    const onlyOnes = body.error === undefined ? ['patient', 'encounter'] : ['scope']
    return {
      status: answer.status,
      error: body.error,
      members: Object.keys(body)
        .filter((name) => !onlyOnes.includes(name))
        .sort(),
      type: text === '' ? null : answer.headers.get('content-type'),
      allowed: answer.headers.get('access-control-allow-origin'),
      body
    }
  }

  return {
    keyward,
    engine,
    visit,
    given,
    ask,
    async both(scenario, of) {
      const [first, second] = [await given(of), await given(of)]
      const ours = await ask(keyward.issuer, await scenario(first, keyward.issuer))
      const theirs = await ask(engine.url, await scenario(second, engine.url))
      return { ours, theirs, first, second }
    },
    visitOf: (app) => newVisit(keyward, app, visit.browser),
    async stop() {
      engine.stop()
      await keyward.stop()
    }
  }
}

/** What an app sees of an answer, whatever its values. */
export const seen = ({ status, error, members, type }: Answered) => ({ status, error, members, type })
