/** The rules of src/ and demo/ about who may import whom: a pure function, so that a test can plant each violation. */
import type { Import, Source } from './sources.ts'
import { importsOf } from './sources.ts'

/** A folder may import those above it. Steps stand beside each other and never import one another. */
export const LAYERS: readonly (readonly string[])[] = [
  ['config'],
  ['observability'],
  ['store'],
  ['keys'],
  ['web'],
  ['mail'],
  ['audit'],
  ['fhir'],
  ['smart-scopes'],
  ['accounts'],
  ['clients'],
  ['smart'],
  ['interaction'],
  ['login', 'mfa', 'patient', 'consent'],
  ['oidc'],
  ['portal'],
  ['developer'],
  ['admin'],
  ['app.ts'],
  ['main.ts', 'cli.ts']
]

const HEIGHT = new Map(LAYERS.flatMap((names, height) => names.map((name) => [name, height])))

/** The one file that may reach into the engine. */
const PATCHES = 'src/oidc/patches.ts'

export function violations(sources: readonly Source[]): string[] {
  const code = sources.filter(({ file }) => file.endsWith('.ts') || file.endsWith('.js'))
  const imports = new Map(code.map((source) => [source.file, importsOf(source)]))
  return [
    ...[...imports].flatMap(([file, named]) => named.flatMap((one) => importProblems(file, one, imports))),
    ...cycles(imports)
  ]
}

function importProblems(file: string, { specifier, file: target }: Import, known: ReadonlyMap<string, unknown>): string[] {
  if (target === undefined) {
    const reachesIn = specifier.startsWith('oidc-provider/') || specifier.includes('node_modules')
    return reachesIn && file !== PATCHES ? [`${file} imports ${specifier}: only ${PATCHES} may reach into a package`] : []
  }
  if (!target.startsWith('src/')) return file.startsWith('src/') ? [`${file} imports ${target}, which is outside src/`] : []
  if (file.startsWith('demo/')) return [`${file} imports ${target}: demo/ uses Keyward by HTTP only`]
  if (!file.startsWith('src/')) return []
  if (!known.has(target)) return [`${file} imports ${target}, which is not there`]
  const [from, to] = [layerOf(file), layerOf(target)]
  if (from === to) return []
  const [here, there] = [HEIGHT.get(from), HEIGHT.get(to)]
  if (here === undefined) return [`${file} is in ${from}, which is not in the list of layers`]
  if (there === undefined) return [`${file} imports ${target}, which is not in the list of layers`]
  if (here === there) return [`${file} imports ${target}: ${from} and ${to} stand beside each other`]
  return here < there ? [`${file} imports ${target}: ${from} stands below ${to}`] : []
}

function layerOf(file: string): string {
  return file.split('/')[1] ?? ''
}

/** Each cycle once, as the path that closes it. */
function cycles(imports: ReadonlyMap<string, readonly Import[]>): string[] {
  const finished = new Set<string>()
  const found: string[] = []
  const visit = (file: string, trail: readonly string[]) => {
    const start = trail.indexOf(file)
    if (start >= 0) found.push(`import cycle: ${[...trail.slice(start), file].join(' -> ')}`)
    if (start >= 0 || finished.has(file)) return
    for (const { file: target } of imports.get(file) ?? []) if (target !== undefined) visit(target, [...trail, file])
    finished.add(file)
  }
  for (const file of imports.keys()) visit(file, [])
  return found
}
