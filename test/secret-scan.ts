/**
 * Cases 141 and 147: searches what servers have written for secrets that were given out, in each form in which a secret
 * could be written. It says where which kind lies, never the secret.
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join, relative } from 'node:path'
import { keptIn, type SecretKind, secretsIn } from './harness/run-folder.ts'

export interface Secret {
  kind: SecretKind
  value: string
}

export interface Finding {
  file: string
  kind: SecretKind
  form: string
}

/** A shorter piece of a secret proves nothing. */
const SHORTEST_FORM = 10
const CHUNK = 32 * 1024 * 1024
/** An operator's own files: secrets have to be in them. */
const CONFIGURATION = /\.(ya?ml|pem|crt|key|conf|acl)$|demo-secrets\.json/

/** As it is, and as encodings write it; of base64 the part that depends on no neighbour, for each place in a group of three bytes. */
export function formsOf(secret: string): { form: string; bytes: Buffer }[] {
  const plain = Buffer.from(secret)
  const each = [...plain].map((byte) => byte.toString(16).padStart(2, '0'))
  const texts: [string, string][] = [
    ['plain', plain.toString('latin1')],
    ['hexadecimal', each.join('')],
    ['hexadecimal', each.join('').toUpperCase()],
    ['percent-encoded', encodeURIComponent(secret)],
    ['percent-encoded', new URLSearchParams({ s: secret }).toString().slice(2)],
    ['percent-encoded', each.map((byte) => `%${byte}`).join('')],
    ['percent-encoded', each.map((byte) => `%${byte.toUpperCase()}`).join('')],
    ['JSON', Buffer.from(JSON.stringify(secret).slice(1, -1)).toString('latin1')]
  ]
  for (const before of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(before), plain])
    const certain = (text: string): string =>
      text.replace(/=+$/, '').slice(before && before + 1, padded.length % 3 === 0 ? undefined : -1)
    // An end of one or two bytes leaves its last digit open: without '=' that digit is the last character.
    texts.push(['base64', certain(padded.toString('base64'))], ['base64', certain(padded.toString('base64url'))])
  }
  const seen = new Set<string>()
  return texts.flatMap(([form, text]) => {
    if (text.length < SHORTEST_FORM || seen.has(text)) return []
    seen.add(text)
    return [{ form, bytes: Buffer.from(text, 'latin1') }]
  })
}

interface Pattern {
  bytes: Buffer
  kind: SecretKind
  form: string
}

/** All patterns at once: by their last four bytes, looked up at each byte of the text. */
export function newSearch(secrets: readonly Secret[]): (text: Buffer) => Omit<Finding, 'file'>[] {
  const byEnd = new Map<number, Pattern[]>()
  const mayEnd = new Uint8Array(1 << 21)
  for (const { kind, value } of secrets) {
    for (const { form, bytes } of formsOf(value)) {
      const end = bytes.readInt32BE(bytes.length - 4)
      const bit = Math.imul(end, 0x9e3779b1) >>> 8
      mayEnd[bit >>> 3] = (mayEnd[bit >>> 3] ?? 0) | (1 << (bit & 7))
      const patterns = byEnd.get(end)
      if (patterns) patterns.push({ bytes, kind, form })
      else byEnd.set(end, [{ bytes, kind, form }])
    }
  }
  return (text) => {
    const found: Omit<Finding, 'file'>[] = []
    let last = 0
    for (let at = 0; at < text.length; at++) {
      last = (last << 8) | (text[at] ?? 0)
      const bit = Math.imul(last, 0x9e3779b1) >>> 8
      if (((mayEnd[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) continue
      for (const { bytes, kind, form } of byEnd.get(last) ?? []) {
        const start = at + 1 - bytes.length
        if (start >= 0 && bytes.compare(text, start, at + 1) === 0) found.push({ kind, form })
      }
    }
    return found
  }
}

export function scanFolder(folder: string, secrets: readonly Secret[]): { findings: Finding[]; files: string[]; bytes: number } {
  const search = newSearch(secrets)
  const longest = Math.max(0, ...secrets.map(({ value }) => 3 * Buffer.byteLength(value)))
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !CONFIGURATION.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
  const found = new Map<string, Finding>()
  const buffer = Buffer.allocUnsafe(CHUNK + longest)
  let total = 0
  for (const path of files) {
    const file = relative(folder, path)
    for (const piece of piecesOf(path, buffer)) {
      total += piece.length
      for (const { kind, form } of search(piece)) found.set(`${file} ${kind} ${form}`, { file, kind, form })
    }
  }
  return { findings: [...found.values()], files: files.map((path) => relative(folder, path)), bytes: total }
}

/** Each piece begins with the end of the one before, so that nothing is cut in two. */
function* piecesOf(path: string, buffer: Buffer): Generator<Buffer> {
  const descriptor = openSync(path, 'r')
  try {
    const overlap = buffer.length - CHUNK
    let kept = 0
    for (;;) {
      const read = readSync(descriptor, buffer, kept, CHUNK, null)
      if (read === 0) return
      const piece = buffer.subarray(0, kept + read)
      yield piece
      kept = Math.min(overlap, piece.length)
      buffer.copyWithin(0, piece.length - kept, piece.length)
    }
  } finally {
    closeSync(descriptor)
  }
}

export function notedSecrets(run: string): Secret[] {
  const folder = secretsIn(run)
  if (!existsSync(folder)) return []
  const lines = readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
  const byValue = new Map<string, SecretKind>()
  for (const line of lines) {
    if (line === '') continue
    const [kind, value]: [SecretKind, string] = JSON.parse(line)
    byValue.set(value, kind)
  }
  return [...byValue].map(([value, kind]) => ({ kind, value }))
}

/** A search of nothing, or for nothing, would find nothing. */
const NEEDED: readonly SecretKind[] = [
  'password',
  'authorization code',
  'access token',
  'refresh token',
  'TOTP key',
  'client secret',
  'client assertion',
  'cookie'
]
const PLACES: readonly [string, RegExp][] = [
  ['a SQLite file', /\.db$/],
  ["Redis's log of writes", /\.aof$/],
  ["Redis's dump", /\.rdb$/],
  ['the rows of a store in memory', /\.rows$/],
  ['a log', /\.log$/]
]

/** What is wrong after a run, in lines; `say` is told what was searched. */
export function scanRun(run: string, say: (line: string) => void): string[] {
  const secrets = notedSecrets(run)
  const kinds = new Set(secrets.map(({ kind }) => kind))
  const missing = NEEDED.filter((kind) => !kinds.has(kind)).map((kind) => `no ${kind} was noted to search for`)
  if (!existsSync(keptIn(run))) return [...missing, 'no server has left anything to search']
  const { findings, files, bytes } = scanFolder(keptIn(run), secrets)
  const absent = PLACES.filter(([, name]) => !files.some((file) => name.test(file))).map(
    ([what]) => `${what} is not among the files`
  )
  say(`Searched ${files.length} files, ${Math.round(bytes / 1e6)} MB, for ${secrets.length} secrets in each of their forms`)
  return [...missing, ...absent, ...findings.map(({ file, kind, form }) => `${kind}, ${form}, in ${file}`)]
}
