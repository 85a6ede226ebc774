/** How the engine's records lie in our store: under which kind. None has an index: what a person allowed is found by its consent. */
import type { AdapterPayload } from 'oidc-provider'
import type { Kind } from '../store/store.ts'

export function engineKind(model: string): Kind<AdapterPayload> {
  return { name: model }
}
