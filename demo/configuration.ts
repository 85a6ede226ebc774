/**
 * What the sample clinic reads from Keyward's own configuration file, so that addresses, secrets and accounts stand in one
 * place only, and the copy of that file for other ports or another store. Whether the file is right is Keyward's to say;
 * which client is which is in parties.ts.
 */
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import { ClinicError } from './clinic-error.ts'

const words = z.array(z.string())

const client = z.looseObject({
  client_id: z.string(),
  client_name: z.string().optional(),
  client_secret: z.string().optional(),
  client_uri: z.string().optional(),
  token_endpoint_auth_method: z.string().optional(),
  jwks_uri: z.string().optional(),
  redirect_uris: words.default([]),
  launch_url: z.string().optional(),
  launch_contexts: words.default([]),
  approved_for_clinicians: z.boolean().default(false),
  smart_scope: z.string().default('')
})

const account = z.looseObject({
  username: z.string(),
  password: z.string(),
  totp: z.string().optional(),
  name: z.string(),
  role: z.string(),
  people: z
    .array(
      z.looseObject({
        fhirServer: z.string(),
        patients: z.array(z.looseObject({ id: z.string(), name: z.string() })).default([])
      })
    )
    .default([])
})

const brands = z.looseObject({
  organizations: z.array(z.looseObject({ id: z.string(), name: z.string() })),
  endpoints: z.array(z.looseObject({ fhirServer: z.string(), brand: z.string() }))
})

const configuration = z.looseObject({
  issuer: z.url(),
  listen: z.looseObject({ port: z.int() }),
  store: z.string(),
  organization: z.looseObject({ name: z.string() }),
  fhirServers: z.array(z.looseObject({ id: z.string(), baseUrl: z.url(), introspectedBy: words.min(1) })).min(1),
  brands: brands.optional(),
  clients: z.array(client),
  accounts: z.array(account)
})

export type ClinicConfiguration = z.infer<typeof configuration>
export type ClinicClient = z.infer<typeof client>
export type ClinicAccount = z.infer<typeof account>

export async function readConfiguration(file: string): Promise<ClinicConfiguration> {
  try {
    return configuration.parse(parse(await readFile(file, 'utf8')))
  } catch (fault) {
    const reason = fault instanceof z.ZodError ? z.prettifyError(fault) : fault instanceof Error ? fault.message : 'unknown fault'
    throw new ClinicError(`${file} can't be used for the sample clinic:\n${reason}`)
  }
}

/** The same configuration with each port replaced that `moved` names, wherever it stands in an address of this machine. */
export function readdressed(config: ClinicConfiguration, moved: ReadonlyMap<string, string>): ClinicConfiguration {
  const move = (_key: string, value: unknown) =>
    typeof value === 'string'
      ? value.replace(/(?<=(?:\/\/|^)(?:localhost|127\.0\.0\.1):)\d+/g, (port) => moved.get(port) ?? port)
      : value
  return configuration.parse(JSON.parse(JSON.stringify(config, move)))
}
