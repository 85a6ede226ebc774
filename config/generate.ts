/** Writes docs/configuration.md and config/keyward.schema.json from the schema: `node config/generate.ts`, after every change to it. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { configJsonSchema } from '../src/config/json-schema.ts'
import { configReference } from '../src/config/reference.ts'

const root = resolve(import.meta.dirname, '..')
const schema = configJsonSchema()
writeFileSync(resolve(root, 'config/keyward.schema.json'), `${JSON.stringify(schema, null, 2)}\n`)
writeFileSync(resolve(root, 'docs/configuration.md'), configReference(schema))
