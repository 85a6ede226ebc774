import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { importsOf, root, sourcesUnder } from './sources.ts'

const versions = z.record(z.string(), z.string())
const manifestSchema = z.object({ dependencies: versions, devDependencies: versions, optionalDependencies: versions })
const read = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'))
const manifest = manifestSchema.parse(read('package.json'))
const lock = z
  .object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })).and(z.object({ '': manifestSchema })) })
  .parse(read('package-lock.json'))
const direct = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies })

test('every direct dependency is pinned to one version', () => {
  expect(direct.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
})

test('package-lock.json says the same as package.json, and has each of them', () => {
  expect(lock.packages['']).toMatchObject(manifest)
  expect(direct.filter(([name, version]) => lock.packages[`node_modules/${name}`]?.version !== version)).toEqual([])
})

test('package-lock.json names no registry', () => {
  expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved"/)
})

test('what src/ runs on is a runtime dependency', () => {
  const builtin = new Set(builtinModules)
  const foreign = sourcesUnder('src').flatMap((source) =>
    importsOf(source)
      .filter(
        ({ specifier, typeOnly }) =>
          !typeOnly && !specifier.startsWith('.') && !specifier.startsWith('node:') && !builtin.has(specifier)
      )
      .map(({ specifier }) =>
        specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/')
      )
  )
  expect([...new Set(foreign)].filter((name) => manifest.dependencies[name] === undefined)).toEqual([])
})

test('every dependency has its decision record', () => {
  const folder = join(root, 'docs/decisions')
  const records = readdirSync(folder)
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n')
  expect(direct.map(([name]) => name).filter((name) => !records.includes(`\`${name}\``))).toEqual([])
})
