/**
 * The kinds of data as people know them (views/kinds-of-data.json): which FHIR
 * types and categories each is, and which belong together on the page. Their
 * words are in the locale files.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const kindSchema = z.object({
  id: z.string(),
  group: z.string(),
  /** Starts off, whatever the app asks for. */
  sensitive: z.boolean(),
  /** FHIR types that this kind is, whole. '*' is everything that no other kind is. */
  types: z.array(z.string()),
  /** Per FHIR type, the categories (`system|code`) that this kind is. */
  categories: z.record(z.string(), z.array(z.string()))
})

export type KindOfData = z.infer<typeof kindSchema>

export function readKinds(viewsDir: string): KindOfData[] {
  return z.array(kindSchema).parse(JSON.parse(readFileSync(join(viewsDir, 'kinds-of-data.json'), 'utf8')))
}
