/**
 * What a run of the whole suite leaves behind until it has been searched (test/secret-scan.ts): the files of the servers that
 * it started, their logs, and, apart from these, the secrets that were given out. Outside of such a run nothing is kept.
 */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Names the folder of the run; test/run.ts sets it. */
export const RUN_FOLDER = 'KEYWARD_TEST_RUN'

export type SecretKind =
  | 'password'
  | 'authorization code'
  | 'code verifier'
  | 'access token'
  | 'refresh token'
  | 'id_token'
  | 'TOTP key'
  | 'client secret'
  | 'client assertion'
  | 'cookie'

export const keptIn = (run: string): string => join(run, 'kept')
export const secretsIn = (run: string): string => join(run, 'secrets')

/** Shorter ones stand in other texts by chance. */
const SHORTEST = 16
const noted = new Set<string>()

export function newServerFolder(name: string): string {
  const run = process.env[RUN_FOLDER]
  if (run !== undefined) mkdirSync(keptIn(run), { recursive: true })
  return mkdtempSync(join(run === undefined ? tmpdir() : keptIn(run), `keyward-${name}-`))
}

/** Nobody uses it any more. */
export function endServerFolder(folder: string): void {
  if (process.env[RUN_FOLDER] === undefined) rmSync(folder, { recursive: true, force: true })
}

/** Something that a server has written, and that lies in no folder of its own. */
export function keepWritten(name: string, text: string | Uint8Array): void {
  if (process.env[RUN_FOLDER] === undefined || text.length === 0) return
  writeFileSync(join(newServerFolder('written'), name), text)
}

export function noteSecret(kind: SecretKind, secret: string | undefined): void {
  const run = process.env[RUN_FOLDER]
  if (run === undefined || secret === undefined || secret.length < SHORTEST || noted.has(secret)) return
  noted.add(secret)
  mkdirSync(secretsIn(run), { recursive: true, mode: 0o700 })
  appendFileSync(join(secretsIn(run), `${process.pid}.jsonl`), `${JSON.stringify([kind, secret])}\n`)
}
