import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readConfiguration } from '../../../demo/configuration.ts'
import { portsOf } from '../../../demo/placement.ts'
import { configJsonSchema, settingNames } from '../../../src/config/json-schema.ts'
import { parseConfig, readConfig } from '../../../src/config/read-config.ts'
import { anchorsOf, blocksOf, codeOf, commandsIn, documents, filesNamedIn, linksOf, settingsNamedIn } from './docs.ts'
import { LAYERS } from './layers.ts'
import { root } from './sources.ts'

const pages = documents()
const { accounts: demoAccounts } = readConfig(join(root, 'config/demo.yaml'), {})
/** Each complaint as `page: what`. */
const complaints = (problemsOf: (text: string, file: string) => string[]): string[] =>
  pages.flatMap(({ file, text }) => problemsOf(text, file).map((problem) => `${file}: ${problem}`))

test('every relative link leads to a file, and to a heading where it names one', () => {
  const broken = complaints((text, file) =>
    linksOf(text).flatMap(({ path, anchor }) => {
      const target = path === '' ? file : join(dirname(file), path)
      if (!existsSync(join(root, target))) return [path]
      return anchor === '' || anchorsOf(readFileSync(join(root, target), 'utf8')).includes(anchor) ? [] : [`${path}#${anchor}`]
    })
  )
  expect(broken).toEqual([])
})

test('every file and folder that is named is there', () => {
  expect(complaints((text) => filesNamedIn(text).filter((name) => !existsSync(join(root, name))))).toEqual([])
})

test('every command of src/cli.ts that is named is in its help', () => {
  const help = execFileSync(process.execPath, [join(root, 'src/cli.ts'), 'help'], { encoding: 'utf8' })
  const known = [...help.matchAll(/^ {2}([a-z]+(?: [a-z-]+)?) /gm)].map(([, command = '']) => command)
  expect(known).toContain('audit verify')
  const named = complaints((text) =>
    commandsIn(text).flatMap((line) => {
      const words = /src\/cli\.ts ([a-z]+(?: [a-z-]+)?)/.exec(line)?.[1]
      return words === undefined || known.includes(words) ? [] : [words]
    })
  )
  expect(named).toEqual([])
})

test('every npm script and every group of tests that is named is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const groups = readFileSync(join(root, 'vitest.config.ts'), 'utf8')
  const options = readFileSync(join(root, 'demo/start.ts'), 'utf8')
  const unknown = complaints((text) =>
    commandsIn(text).flatMap((line) => [
      ...[...line.matchAll(/npm (?:run (\S+)|(start|test))/g)].flatMap(([, run, known]) =>
        scripts[run ?? known ?? ''] ? [] : [line]
      ),
      ...[...line.matchAll(/--project (\S+)/g)].flatMap(([, name]) => (groups.includes(`project('${name}'`) ? [] : [line])),
      ...[...line.matchAll(/npm start -- --(\w+)/g)].flatMap(([, name]) => (options.includes(`  --${name} `) ? [] : [line]))
    ])
  )
  expect(unknown).toEqual([])
})

test('every setting that is named is in the schema', () => {
  // `dr.lee` looks like one.
  const people = new Set(demoAccounts.map(({ username }) => username))
  const unknown = complaints((text) => settingsNamedIn(text).filter((name) => !isSetting(name) && !people.has(name)))
  expect(unknown).toEqual([])
})

test('every YAML is a configuration, or a part of one, that Keyward takes', () => {
  const blocks = pages.flatMap(({ file, text }) =>
    blocksOf(text)
      .filter(({ language, text: yaml }) => language === 'yaml' && parse(yaml) !== null)
      .map((block) => ({ file, yaml: block.text }))
  )
  expect(blocks.length).toBeGreaterThan(2)
  for (const { file, yaml } of blocks) expect(() => takes(yaml), file).not.toThrow()
})

test('the accounts of the sample clinic are those of its configuration', () => {
  const readme = codeOf(readFileSync(join(root, 'README.md'), 'utf8')).join('\n')
  for (const { username, password, totp } of demoAccounts) {
    for (const secret of [username, password, ...(totp ? [totp] : [])]) expect(readme).toContain(secret)
  }
})

test('the order of folders in README.md is that of the layers', () => {
  const [, list = ''] =
    /A folder of `src\/` may import([\s\S]*?)A test holds this/.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
  const named = codeOf(list).filter((name) => !name.includes('/'))
  expect(named).toEqual(LAYERS.flat().filter((name) => !name.endsWith('.ts') && existsSync(join(root, 'src', name))))
})

test('the addresses of the sample clinic in README.md are those at which it starts', async () => {
  const ports = portsOf(await readConfiguration(join(root, 'config/demo.yaml')))
  const named = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^\| <http:\/\/localhost:(\d+)/gm)].map(([, port]) =>
    Number(port)
  )
  expect(new Set(named)).toEqual(new Set(Object.values(ports)))
})

/** 'clients[].redirect_uris' and 'secrets.lookupKeyFile' as names in the schema. */
function isSetting(name: string): boolean {
  const parts = name.split('.').flatMap((part) => (part.endsWith('[]') ? [part.slice(0, -2), 0] : [part]))
  return parts.every((part, at) => typeof part === 'number' || settingNames(parts.slice(0, at)).includes(part))
}

/** A whole production configuration as it stands; a part, put into the one that the operators' page begins with. */
function takes(yaml: string): void {
  const least = blocksOf(readFileSync(join(root, 'docs/operators.md'), 'utf8')).find(({ language }) => language === 'yaml')
  const given = parse(yaml)
  const whole = 'issuer' in given ? yaml : JSON.stringify({ ...parse(least?.text ?? ''), ...given })
  const names = [...whole.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name)
  const env = Object.fromEntries(names.map((name) => [name, randomBytes(32).toString('base64url')]))
  parseConfig(whole, { env, baseDir: root })
}

describe('a planted mistake is found', () => {
  test('in the reading of a page', () => {
    const page =
      '# A b: c\n[x](y.md#z) [w](https://a.example/b)\n`src/no.ts` `a/b` `listen.prot` `x.md`\n```\nsrc/gone/  -> d\n```\n```sh\nnode src/cli.ts audit forget\n```\n'
    expect(linksOf(page)).toEqual([{ path: 'y.md', anchor: 'z' }])
    expect(anchorsOf(page)).toEqual(['a-b-c'])
    expect(filesNamedIn(page)).toEqual(['src/no.ts', 'x.md', 'src/gone/'])
    expect(settingsNamedIn(page)).toEqual(['listen.prot'])
    expect(commandsIn(page)).toContain('node src/cli.ts audit forget')
  })

  test.each([
    ['listen.tls.certFile', true],
    ['clients[].client_secretFile', true],
    ['listen.prot', false],
    ['client[].disabled', false]
  ])('%s is a setting: %s', (name, known) => {
    expect(isSetting(name)).toBe(known)
  })

  test('in a part of a configuration', () => {
    expect(() => takes('clients: [{ client_id: a, client_name: A }]')).toThrow('client_secret')
    expect(() => takes('limit: { window: 1m }')).toThrow('limit')
  })

  test('the schema has names to compare with', () => {
    expect(Object.keys(configJsonSchema().properties ?? {})).toContain('listen')
  })
})
