/** What patches.ts takes from inside the engine. Its package has no types of it. */
declare module 'oidc-provider/lib/helpers/initialize_keystore.js' {
  import type Provider from 'oidc-provider'
  import type { JWKS } from 'oidc-provider'

  export default function initialize(this: Provider, jwks: JWKS): void
}
