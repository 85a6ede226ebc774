/**
 * Client authentication for the endpoints that Keyward serves itself
 * (introspection, launch contexts): HTTP Basic with a client secret, the parts
 * form-encoded. RFC 6749 §2.3.1. The engine authenticates at its own endpoints.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import type { Context } from 'koa'
import type { ClientConfig } from '../config/config.ts'
import type { Clients } from './clients.ts'

const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2})$/i

/** The client that an Authorization header proves, or undefined. The work is the same for known and unknown clients. */
export async function authenticateClient(clients: Clients, authorization: string | undefined): Promise<ClientConfig | undefined> {
  const credentials = parseBasic(authorization)
  if (!credentials) return undefined
  const client = await clients.find(credentials.id)
  const expected = client?.token_endpoint_auth_method === 'client_secret_basic' ? client.client_secret : undefined
  const matches = timingSafeEqual(digest(credentials.secret), digest(expected ?? ''))
  return client && expected && matches && !client.disabled ? client : undefined
}

/** RFC 6749 §5.2: failed client authentication, or none, is 401 and names the scheme that is wanted. */
export function answerUnauthenticated(ctx: Context, description: string): void {
  ctx.status = 401
  ctx.set('WWW-Authenticate', 'Basic realm="keyward"')
  ctx.body = { error: 'invalid_client', error_description: description }
}

const digest = (text: string): Buffer => hash('sha256', text, 'buffer')

function parseBasic(authorization: string | undefined): { id: string; secret: string } | undefined {
  const encoded = BASIC.exec(authorization ?? '')?.[1]
  if (!encoded) return undefined
  const decoded = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  if (colon < 1) return undefined
  try {
    return { id: formDecode(decoded.slice(0, colon)), secret: formDecode(decoded.slice(colon + 1)) }
  } catch {
    return undefined
  }
}

function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', '%20'))
}
