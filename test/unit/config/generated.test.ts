import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { JsonSchema } from '../../../src/config/json-schema.ts'
import { configJsonSchema } from '../../../src/config/json-schema.ts'
import { configReference } from '../../../src/config/reference.ts'

const read = (file: string) => readFileSync(resolve(import.meta.dirname, '../../..', file), 'utf8')
const advice = 'out of date: run node config/generate.ts'

test('config/keyward.schema.json and docs/configuration.md are what the schema says', () => {
  const schema = configJsonSchema()
  expect(read('config/keyward.schema.json') === `${JSON.stringify(schema, null, 2)}\n`, advice).toBe(true)
  expect(read('docs/configuration.md') === configReference(schema), advice).toBe(true)
})

test('every setting is described', () => {
  const undescribed = (schema: JsonSchema, path: string): string[] => [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, setting]) => [
      ...(setting.description === undefined ? [`${path}.${name}`] : []),
      ...undescribed(setting, `${path}.${name}`)
    ]),
    ...(schema.items === undefined ? [] : undescribed(schema.items, `${path}[]`)),
    ...(schema.anyOf ?? []).flatMap((way) => undescribed(way, path))
  ]
  expect(undescribed(configJsonSchema(), '')).toEqual([])
})

test('the schema knows both ways to give a secret, and no others', () => {
  const account = configJsonSchema().properties?.accounts?.items
  expect(Object.keys(account?.properties ?? {})).toEqual([
    'username',
    'password',
    'passwordFile',
    'totp',
    'totpFile',
    'name',
    'role',
    'people'
  ])
  expect(account?.required).toEqual(['username', 'name', 'role'])
  expect(account?.allOf).toEqual([{ oneOf: [{ required: ['password'] }, { required: ['passwordFile'] }] }])
})
