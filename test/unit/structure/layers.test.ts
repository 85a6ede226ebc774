import { describe, expect, test } from 'vitest'
import { violations } from './layers.ts'
import { importsOf, sourcesUnder } from './sources.ts'

test('imports point only upward in the list of layers, without a cycle', () => {
  expect(violations(sourcesUnder('src', 'demo'))).toEqual([])
})

const store = { file: 'src/store/store.ts', text: '' }
const login = { file: 'src/login/prompt.ts', text: '' }

describe('a planted violation is found', () => {
  test.each([
    ['src/config/a.ts', "import { x } from '../store/store.ts'", 'config stands below store'],
    ['src/config/a.ts', "import type { X } from '../store/store.ts'", 'config stands below store'],
    ['src/config/a.ts', "import {\n  x,\n  y\n} from '../store/store.ts'", 'config stands below store'],
    ['src/config/a.ts', "export { x } from '../store/store.ts'", 'config stands below store'],
    ['src/config/a.ts', "import '../store/store.ts'", 'config stands below store'],
    ['src/config/a.ts', "const x = await import('../store/store.ts')", 'config stands below store'],
    ['src/mfa/a.ts', "import { x } from '../login/prompt.ts'", 'mfa and login stand beside each other'],
    ['src/store/a.ts', "import { x } from '../app.ts'", 'src/app.ts, which is not there'],
    ['src/extra/a.ts', "import { x } from '../store/store.ts'", 'extra, which is not in the list of layers'],
    ['src/oidc/a.ts', "import x from 'oidc-provider/lib/x.js'", 'only src/oidc/patches.ts may reach into a package'],
    ['src/oidc/a.ts', "import x from '../../node_modules/koa/x.js'", 'which is outside src/'],
    ['src/oidc/a.ts', "import x from '../../demo/x.ts'", 'demo/x.ts, which is outside src/'],
    ['demo/a.ts', "import { x } from '../src/store/store.ts'", 'demo/ uses Keyward by HTTP only']
  ])('%s: %s', (file, text, problem) => {
    expect(violations([store, login, { file, text }])).toEqual([expect.stringContaining(problem)])
  })

  test('a cycle, also through three files of one folder', () => {
    const files = ['a', 'b', 'c'].map((name, at, all) => ({
      file: `src/store/${name}.ts`,
      text: `import { x } from './${all[(at + 1) % 3]}.ts'`
    }))
    expect(violations(files)).toEqual(['import cycle: src/store/a.ts -> src/store/b.ts -> src/store/c.ts -> src/store/a.ts'])
  })
})

test.each([
  ['src/store/a.ts', "import { x } from './store.ts'"],
  ['src/oidc/a.ts', "import { x } from '../login/prompt.ts'\nimport Provider from 'oidc-provider'"],
  ['src/oidc/patches.ts', "import x from 'oidc-provider/lib/x.js'"],
  ['src/config/a.ts', "// import { x } from '../store/store.ts'\n/* import '../store/store.ts' */"]
])('%s may say %j', (file, text) => {
  expect(violations([store, login, { file, text }])).toEqual([])
})

test('what is imported is read with its kind', () => {
  const text = "import type { A } from './a.ts'\nimport b, { type C } from 'b'\nexport const from = 'x'\n"
  expect(importsOf({ file: 'src/web/x.ts', text })).toEqual([
    { specifier: './a.ts', typeOnly: true, file: 'src/web/a.ts' },
    { specifier: 'b', typeOnly: false }
  ])
})
