/** How the engine's records lie in our store: under which kind. None has an index: what a person allowed is found by its consent. */
import type { AdapterPayload } from 'oidc-provider'
import type { Kind, PutOptions } from '../store/store.ts'

export function engineKind(model: string): Kind<AdapterPayload> {
  return { name: model }
}

export const optionsFor = (_model: string, _payload: AdapterPayload, options: PutOptions): PutOptions => options
