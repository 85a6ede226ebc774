/** How the engine's records lie in our store: under which kind, which indexes, until when. */
import type { AdapterPayload } from 'oidc-provider'
import type { Kind, PutOptions } from '../store/store.ts'

export function engineKind(model: string): Kind<AdapterPayload> {
  return { name: model }
}

/** A Grant is found by whose it is, and by the consent that it was made from. */
export function optionsFor(model: string, { accountId, consentId }: AdapterPayload, options: PutOptions): PutOptions {
  if (model !== 'Grant') return options
  const consent = typeof consentId === 'string' ? { consent: consentId } : {}
  return { ...options, indexes: { ...(accountId ? { account: accountId } : {}), ...consent } }
}
