/** A client that authenticates by assertions: its keys, and what it signs. Everything in an assertion can be spoilt. */
import { generateKeyPairSync, type JsonWebKey, type KeyObject, randomUUID, sign } from 'node:crypto'
import type { ClientConfig } from '../../src/config/config.ts'
import { noteSecret } from './run-folder.ts'

export type Alg = 'RS384' | 'ES384'

export interface ClientKey {
  alg: Alg
  kid: string
  privateKey: KeyObject
  /** The public key as it is registered. */
  jwk: JsonWebKey & { kid: string }
}

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export function newClientKey(alg: Alg, kid: string = randomUUID()): ClientKey {
  const { privateKey, publicKey } =
    alg === 'RS384' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-384' })
  return { alg, kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } }
}

/** Members that are undefined are left out. */
export type Changes = Record<string, unknown>

export function claimsOf(clientId: string, aud: string, changes: Changes = {}): Changes {
  const now = Math.floor(Date.now() / 1000)
  return { iss: clientId, sub: clientId, aud, iat: now, exp: now + 300, jti: randomUUID(), ...changes }
}

export function signed({ alg, kid, privateKey }: ClientKey, claims: Changes, header: Changes = {}): string {
  const content = `${encoded({ typ: 'JWT', alg, kid, ...header })}.${encoded(claims)}`
  const signature = sign('sha384', Buffer.from(content), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  const assertion = `${content}.${signature.toString('base64url')}`
  noteSecret('client assertion', assertion)
  return assertion
}

export function assertionForm(assertion: string): { client_assertion_type: string; client_assertion: string } {
  return { client_assertion_type: ASSERTION_TYPE, client_assertion: assertion }
}

export const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export interface ServiceAnswer {
  status: number
  headers: Headers
  text: string
  body: Record<string, unknown>
}

export interface Service {
  clientId: string
  assertion(claims?: Changes, header?: Changes): string
  /** A token request with an assertion of its own; members set to undefined are left out. */
  token(changes?: Record<string, string | undefined>): Promise<ServiceAnswer>
  post(path: string, form: Record<string, string | undefined>, headers?: Record<string, string>): Promise<ServiceAnswer>
}

/** A backend service that talks to a Keyward. */
export function newService(issuer: string, clientId: string, key: ClientKey): Service {
  const assertion: Service['assertion'] = (claims = {}, header = {}) =>
    signed(key, claimsOf(clientId, `${issuer}/token`, claims), header)

  const post: Service['post'] = async (path, form, headers = {}) => {
    const given = Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const response = await fetch(`${issuer}${path}`, { method: 'POST', body: new URLSearchParams(given), headers })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, body: text === '' ? {} : JSON.parse(text) }
  }
  return {
    clientId,
    assertion,
    post,
    token: (changes = {}) =>
      post('/token', {
        grant_type: 'client_credentials',
        scope: 'system/*.rs',
        ...assertionForm(assertion()),
        ...changes
      })
  }
}

/** Its registration, as the configuration would give it. */
export function serviceConfig(client_id: string, { jwk }: ClientKey, more: Partial<ClientConfig> = {}): ClientConfig {
  return {
    client_id,
    client_name: client_id,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [jwk] },
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    verified: false,
    approved_for_clinicians: false,
    smart_scope: 'system/*.rs system/Group.read',
    fhir_servers: ['clinic'],
    launch_contexts: [],
    disabled: false,
    ...more
  }
}
