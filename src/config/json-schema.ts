/** The configuration's JSON Schema: what editors complete from, docs/configuration.md is made of, and names are looked up in. */
import { z } from 'zod'
import type { Path } from './config-error.ts'
import { configSchema } from './schema.ts'
import { SECRET_SETTINGS } from './secret-settings.ts'

export interface JsonSchema {
  description?: string
  type?: string
  const?: unknown
  enum?: unknown[]
  default?: unknown
  pattern?: string
  anyOf?: JsonSchema[]
  allOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  items?: JsonSchema
  properties?: Record<string, JsonSchema>
  required?: string[]
}

export function configJsonSchema(): JsonSchema {
  const schema: JsonSchema = {
    ...(JSON.parse(JSON.stringify(z.toJSONSchema(configSchema, { io: 'input' }))) as JsonSchema),
    description: 'Configuration of Keyward, a SMART on FHIR authorization server.'
  }
  for (const { path, list } of SECRET_SETTINGS) addFileVariant(schema, path, list === true)
  return schema
}

/** Each secret `x` may be given as `xFile`: where it is required, one of the two is. */
function addFileVariant(schema: JsonSchema, path: readonly string[], list: boolean): void {
  const name = path.at(-1) ?? ''
  const holder = path.slice(0, -1).reduce<JsonSchema | undefined>(member, schema)
  if (holder?.properties === undefined) throw new Error(`no setting ${path.join('.')} in the schema`)
  const entries = Object.entries(holder.properties)
  const at = entries.findIndex(([property]) => property === name)
  const description = list
    ? `Instead of ${name}: a file with one of them on each line.`
    : `Instead of ${name}: a file that holds it.`
  entries.splice(at + 1, 0, [`${name}File`, { description, type: 'string' }])
  holder.properties = Object.fromEntries(entries)
  if (holder.required?.includes(name) !== true) return
  holder.required = holder.required.filter((property) => property !== name)
  holder.allOf = [...(holder.allOf ?? []), { oneOf: [{ required: [name] }, { required: [`${name}File`] }] }]
}

function member(schema: JsonSchema | undefined, part: string | number): JsonSchema | undefined {
  const concrete = schema?.anyOf?.[0] ?? schema
  return part === '*' || typeof part === 'number' ? concrete?.items : concrete?.properties?.[part]
}

/** The names that settings may have at this place. */
export function settingNames(path: Path): string[] {
  const holder = path.reduce<JsonSchema | undefined>(member, configJsonSchema())
  return Object.keys((holder?.anyOf?.[0] ?? holder)?.properties ?? {})
}
