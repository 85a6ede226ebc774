/** What is measured: each operation as a client carries it out, with what it must be answered. */
import { type Alg, assertionForm, claimsOf, signed } from '../test/harness/backend-client.ts'
import {
  APP,
  authorizationPath,
  BASIC,
  newServices,
  PEOPLE,
  SERVICE_SCOPE,
  VERIFIER,
  WITH_ID_TOKEN,
  WITHOUT_ID_TOKEN
} from './clinic.ts'
import { type Answer, type Connection, type Request, textOf } from './connection.ts'
import { inParallel, type Task } from './load.ts'
import { type Side, signIn } from './side.ts'

export interface Operation {
  title: string
  /** How often in one reading; enough for two seconds or so. */
  count: number
  /** Which bare Koa handler is its floor. */
  floor?: 'hello' | 'post'
  /** Stock's time divided by Keyward's: the median must be this at least. */
  bar: number
  /** Whatever has to be there before the first request; it is not measured. */
  prepare(side: Side, count: number, tokens: readonly string[]): Promise<Task>
}

export function ask(request: Omit<Request, 'port'>, port: number, connection: Connection): Promise<Answer> {
  return connection.ask(textOf({ ...request, port }))
}

function demand(holds: boolean, { status, body }: Answer): void {
  if (!holds) throw new Error(`not the answer that was wanted: ${status} ${body.slice(0, 300)}`)
}

const introspection: Operation = {
  title: 'introspection',
  count: 12_000,
  floor: 'post',
  bar: 1.5,
  async prepare({ server, paths }, _count, tokens) {
    let next = 0
    return async (connection) => {
      // A step that is prime to any round number: tokens in no order that a cache would like.
      next = (next + 7919) % tokens.length
      const form = { token: tokens[next] ?? '' }
      const headers = { Authorization: BASIC }
      const answer = await ask({ method: 'POST', path: paths.introspect, headers, form }, server.port, connection)
      demand(answer.status === 200 && answer.body.startsWith('{"active":true'), answer)
    }
  }
}

async function tokensFor({ paths, server }: Side, connection: Connection, form: Record<string, string>, idToken: boolean) {
  const all = { client_id: APP.id, ...form }
  const answer = await ask({ method: 'POST', path: paths.token, form: all }, server.port, connection)
  const refreshToken = /"refresh_token":"([^"]+)"/.exec(answer.body)?.[1]
  const complete = answer.body.includes('"access_token"') && answer.body.includes('"id_token"') === idToken
  demand(answer.status === 200 && complete && refreshToken !== undefined, answer)
  return refreshToken ?? ''
}

const redeem = (side: Side, connection: Connection, code: string) => {
  const form = { grant_type: 'authorization_code', code, redirect_uri: APP.redirectUri, code_verifier: VERIFIER }
  return tokensFor(side, connection, form, true)
}

const exchange: Operation = {
  title: 'code exchange, with id_token',
  count: 2000,
  bar: 1,
  async prepare(side, count) {
    const codes = await side.seeds.codes(count, WITH_ID_TOKEN)
    return async (connection) => void (await redeem(side, connection, codes.pop() ?? ''))
  }
}

/** Each connection is an app that goes on with the token it was given last. */
const refreshing = (title: string, count: number, scope: string): Operation => ({
  title,
  count,
  bar: 1,
  async prepare(side) {
    const tokens = await side.seeds.refreshTokens(PEOPLE, scope)
    return async (connection, worker) => {
      const form = { grant_type: 'refresh_token', refresh_token: tokens[worker] ?? '' }
      tokens[worker] = await tokensFor(side, connection, form, scope === WITH_ID_TOKEN)
    }
  }
})

export const refreshWithoutIdToken = refreshing('refresh, without id_token', 6000, WITHOUT_ID_TOKEN)

export const services = newServices()

/** Signed beforehand: what it costs the client is its own business. */
const serviceToken = (alg: Alg): Operation => ({
  title: `client_credentials by ${alg} assertion`,
  count: 2000,
  bar: 1,
  async prepare({ server, paths }, count) {
    const { id, key } = services[alg]
    const assertions = Array.from({ length: count }, () =>
      signed(key, claimsOf(id, `http://localhost:${server.port}${paths.token}`))
    )
    return async (connection) => {
      const form = { grant_type: 'client_credentials', scope: SERVICE_SCOPE, ...assertionForm(assertions.pop() ?? '') }
      const answer = await ask({ method: 'POST', path: paths.token, form }, server.port, connection)
      demand(answer.status === 200 && answer.body.includes('"access_token"'), answer)
    }
  }
})

const signedIn = new WeakMap<Side, Promise<string[]>>()

const flow: Operation = {
  title: 'code flow of a remembered person: authorize, token',
  count: 1200,
  bar: 1,
  async prepare(side) {
    const { server, paths } = side
    // A password costs 20 ms of hashing, which is not what this is about.
    const signing = signedIn.get(side) ?? inParallel(PEOPLE, 4, (person) => signIn({ paths, port: server.port }, person))
    signedIn.set(side, signing)
    const cookies = await signing
    return async (connection, worker) => {
      const headers = { Cookie: cookies[worker] ?? '' }
      const answer = await ask({ method: 'GET', path: authorizationPath(paths.authorize), headers }, server.port, connection)
      const code = /\r\nlocation: [^\r]*[?&]code=([^&\r]+)/i.exec(answer.head)?.[1]
      demand(answer.status === 303 && code !== undefined, answer)
      await redeem(side, connection, code ?? '')
    }
  }
}

const reading = (title: string, count: number, path: (side: Side) => string, holds: string): Operation => ({
  title,
  count,
  floor: 'hello',
  bar: 1,
  async prepare(side) {
    return async (connection) => {
      const answer = await ask({ method: 'GET', path: path(side) }, side.server.port, connection)
      demand(answer.status === 200 && answer.body.includes(holds), answer)
    }
  }
})

export const OPERATIONS: Operation[] = [
  introspection,
  exchange,
  refreshing('refresh, with id_token', 2000, WITH_ID_TOKEN),
  refreshWithoutIdToken,
  serviceToken('RS384'),
  serviceToken('ES384'),
  flow,
  reading('discovery', 16_000, () => '/.well-known/openid-configuration', '"issuer"'),
  reading('JWKS', 24_000, ({ paths }) => paths.jwks, '"keys"')
]

/** The floors, as tasks. */
export function floorTask(floor: 'hello' | 'post', port: number): Task {
  const request = floor === 'hello' ? { method: 'GET' as const, path: '/' } : undefined
  return async (connection) => {
    const posting = { method: 'POST' as const, path: '/', headers: { Authorization: BASIC }, form: { token: 'x'.repeat(58) } }
    const answer = await ask(request ?? posting, port, connection)
    demand(answer.status === 200, answer)
  }
}
