/** The FHIR servers for which Keyward authorizes, found by what a request says of them. */
import type { FhirServer } from '../config/config.ts'

/** One trailing slash more or less is the same base URL; everything else is compared exactly. */
export function fhirServerAt(servers: readonly FhirServer[], baseUrl: unknown): FhirServer | undefined {
  if (typeof baseUrl !== 'string') return undefined
  const wanted = withoutSlash(baseUrl)
  return servers.find((server) => withoutSlash(server.baseUrl) === wanted)
}

/** An app that registered itself has the sandbox, until an operator has approved it for more. */
export function isOpenTo(server: FhirServer, client: object): boolean {
  const isSandboxed = 'sandbox' in client && client.sandbox === true
  return !isSandboxed || server.sandbox === true
}

function withoutSlash(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url
}
