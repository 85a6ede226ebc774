/**
 * HTTP Basic as clients send it: RFC 6749 §2.3.1 wants both parts form-encoded,
 * many clients send them as they are, and both are understood. Whether they are
 * right is asked in authenticate.ts.
 */
import { isUtf8 } from 'node:buffer'

export interface BasicCredentials {
  id: string
  secret: string
}

const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2})$/i

/** What a header may mean, the RFC's reading first; undefined where it is no Basic header, or a broken one. */
export function readBasic(authorization: string): BasicCredentials[] | undefined {
  const encoded = BASIC.exec(authorization)?.[1]
  if (!encoded) return undefined
  const bytes = Buffer.from(encoded, 'base64')
  // Base64 is decoded loosely: what isn't written the one right way is refused.
  if (bytes.toString('base64') !== encoded || !isUtf8(bytes)) return undefined
  const text = bytes.toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  const raw = { id: text.slice(0, colon), secret: text.slice(colon + 1) }
  const decoded = formDecoded(raw)
  if (!decoded) return [raw]
  return decoded.id === raw.id && decoded.secret === raw.secret ? [raw] : [decoded, raw]
}

function formDecoded({ id, secret }: BasicCredentials): BasicCredentials | undefined {
  const decode = (text: string): string => decodeURIComponent(text.replaceAll('+', '%20'))
  try {
    return { id: decode(id), secret: decode(secret) }
  } catch {
    return undefined
  }
}
