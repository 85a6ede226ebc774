/**
 * The keys that don't lie in the store: those that seal it, that hash its guessable ids
 * and that sign cookies. They come from the configuration; the demo alone, where none are
 * configured, makes them on its first start and keeps them in a file beside the store.
 */
import { createHmac, hkdfSync, randomBytes, randomUUID } from 'node:crypto'
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { Config, Secrets as ConfiguredSecrets } from '../config/config.ts'
import { keyBytes } from '../config/fields.ts'
import { sqlitePath } from '../store/open-store.ts'
import { type Kind, RecordUnreadable, type Store } from '../store/store.ts'
import type { SealingKey } from './sealing.ts'

export interface Secrets {
  sealingKeys: SealingKey[]
  lookupKey: Uint8Array
  cookieKeys: string[]
}

const LEAST_BYTES = 32

export async function loadSecrets(config: Config): Promise<Secrets> {
  if (config.secrets) return derive(config.secrets)
  if (!config.demo) throw new Error('secrets: sealingKeys, lookupKey and cookieKeys must be configured')
  return derive(await demoSecrets(config.store))
}

function derive({ sealingKeys, lookupKey, cookieKeys }: ConfiguredSecrets): Secrets {
  if (sealingKeys.length === 0) throw new Error('secrets.sealingKeys: at least one is needed')
  if (cookieKeys.length === 0) throw new Error('secrets.cookieKeys: at least one is needed')
  for (const [i, key] of cookieKeys.entries()) decode(key, `secrets.cookieKeys[${i}]`)
  return {
    // Derived for their purpose: even where an operator gives one value twice, the keys differ.
    sealingKeys: sealingKeys.map(({ id, key }, i) => ({
      id,
      key: keyFor('sealing', decode(key, `secrets.sealingKeys[${i}].key`))
    })),
    lookupKey: keyFor('lookup', decode(lookupKey, 'secrets.lookupKey')),
    cookieKeys: [...cookieKeys]
  }
}

const keyFor = (purpose: string, secret: Uint8Array) =>
  new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), `keyward ${purpose}`, 32))

function decode(text: string, path: string): Uint8Array {
  const decoded = keyBytes(text)
  if (!decoded || decoded.length < LEAST_BYTES)
    throw new Error(`${path} must be at least ${LEAST_BYTES} random bytes in base64url or hexadecimal`)
  return decoded
}

async function demoSecrets(storeUrl: string): Promise<ConfiguredSecrets> {
  const path = sqlitePath(storeUrl)
  // A store that ends with the process needs no key that outlives it.
  if (path === ':memory:') return newSecrets()
  return once(join(path === undefined ? 'data' : dirname(path), 'demo-secrets.json'), newSecrets)
}

function newSecrets(): ConfiguredSecrets {
  const key = () => randomBytes(32).toString('base64url')
  return { sealingKeys: [{ id: 1, key: key() }], lookupKey: key(), cookieKeys: [key()] }
}

/** What the file says; where there is none, what `make` makes. Of several processes at once one makes it, and all read it whole. */
async function once(file: string, make: () => ConfiguredSecrets): Promise<ConfiguredSecrets> {
  const existing = await readSecrets(file)
  if (existing) return existing
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, `${JSON.stringify(make(), null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    await link(draft, file)
  } catch (problem) {
    if (codeOf(problem) !== 'EEXIST') throw problem
  } finally {
    await unlink(draft)
  }
  const made = await readSecrets(file)
  if (!made) throw new Error(`${file} vanished while it was read`)
  return made
}

/** derive() checks the keys themselves. */
const fileOfSecrets: z.ZodType<ConfiguredSecrets> = z.object({
  sealingKeys: z.array(z.object({ id: z.number(), key: z.string() })),
  lookupKey: z.string(),
  cookieKeys: z.array(z.string())
})

async function readSecrets(file: string): Promise<ConfiguredSecrets | undefined> {
  try {
    return fileOfSecrets.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined
    throw new Error(`${file} can't be read`, { cause })
  }
}

const codeOf = (problem: unknown) => (problem instanceof Error && 'code' in problem ? problem.code : undefined)

const CHECK: Kind<{ lookup: string }> = { name: 'sealing-check' }

/**
 * Refuses a store that was sealed with other keys, before anything is written to it: with a wrong lookup key each
 * account would be missing and could be made a second time.
 */
export async function checkSealing(store: Store, { lookupKey }: Pick<Secrets, 'lookupKey'>): Promise<void> {
  const lookup = createHmac('sha256', lookupKey).update('keyward lookup check').digest('base64url')
  await store.create(CHECK, 'keys', { lookup })
  let first: { lookup: string } | undefined
  try {
    first = await store.get(CHECK, 'keys')
  } catch (cause) {
    if (cause instanceof RecordUnreadable) throw new Error('the sealing key does not open this store', { cause })
    throw cause
  }
  if (first?.lookup !== lookup) throw new Error('the lookup key is not the one with which this store was begun')
}
