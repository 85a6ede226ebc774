/** The repository's own source files and what they import, read as text. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../../..')

export interface Source {
  /** From the repository's root: src/app.ts */
  file: string
  text: string
}

export interface Import {
  specifier: string
  typeOnly: boolean
  /** For a relative import, the file that it names. */
  file?: string
}

export function sourcesUnder(...folders: string[]): Source[] {
  return folders.flatMap((folder) => {
    const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .filter((file) => !/(^|\/)(node_modules|data)\//.test(file))
      .sort()
      .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))
  })
}

const STATEMENT = /^\s*(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s*)?['"]([^'"]+)['"]/gm
const CALL = /\bimport\(\s*['"`]([^'"`]+)['"`]/g

export function importsOf({ file, text }: Source): Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const found = [
    ...[...code.matchAll(STATEMENT)].map(([, type, specifier = '']) => ({ specifier, typeOnly: type !== undefined })),
    ...[...code.matchAll(CALL)].map(([, specifier = '']) => ({ specifier, typeOnly: false }))
  ]
  return found.map((one) => (one.specifier.startsWith('.') ? { ...one, file: join(dirname(file), one.specifier) } : one))
}
