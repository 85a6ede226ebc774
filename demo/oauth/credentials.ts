/** How a confidential client proves itself at the token endpoint: by a key, or by a secret. */
import type { ClientKey } from './key.ts'

/** What goes with a form to the token endpoint at `tokenEndpoint`. */
export type Credentials = (tokenEndpoint: string) => { fields: Record<string, string>; headers: Record<string, string> }

/** SMART App Launch 2.2, "Client Authentication: Asymmetric": a new assertion each time, good once. */
export function byKey(clientId: string, key: ClientKey): Credentials {
  return (tokenEndpoint) => ({
    fields: {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: key.sign({ iss: clientId, sub: clientId, aud: tokenEndpoint })
    },
    headers: {}
  })
}

/** SMART App Launch 2.2, "Client Authentication: Symmetric" */
export function bySecret(clientId: string, secret: string): Credentials {
  const both = Buffer.from(`${formEncode(clientId)}:${formEncode(secret)}`).toString('base64')
  return () => ({ fields: {}, headers: { authorization: `Basic ${both}` } })
}

/** RFC 6749, section 2.3.1: id and secret are form-encoded before they become Basic credentials. */
export function formEncode(value: string): string {
  return new URLSearchParams({ value }).toString().slice('value='.length)
}
