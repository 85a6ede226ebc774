/** Case 146 on the process itself: what a start in production refuses, in a clear line, with an exit code that isn't 0. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../harness/free-port.ts'
import { runToEnd } from '../harness/keyward-process.ts'

const key = (): string => randomBytes(32).toString('base64url')
const folder = mkdtempSync(join(tmpdir(), 'keyward-production-'))
afterAll(() => rmSync(folder, { recursive: true }))

const env = {
  SEALING_KEY: key(),
  LOOKUP_KEY: key(),
  COOKIE_KEY: key(),
  FHIR_SECRET: key(),
  PASSWORD: 'Nine-blue-herons-at-noon',
  TOTP: 'MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK'
}

const production = ({ port, store }: { port: number; store: string }): string => `
issuer: https://sign-in.hospital.example
listen: { host: 127.0.0.1, port: ${port}, trustedProxies: [10.0.0.0/8], tls: null, drainDelay: 0s }
store: "${store}"
secrets: { sealingKeys: [{ id: 1, key: "\${SEALING_KEY}" }], lookupKey: "\${LOOKUP_KEY}", cookieKeys: ["\${COOKIE_KEY}"] }
organization: { name: Hospital Example, supportPhone: "+1 555 0199", accentColor: "#0b6e6e" }
secondFactor: { patients: required, clinicians: required }
fhirServers: [{ id: main, baseUrl: https://fhir.hospital.example/r4, introspectedBy: [fhir-server] }]
clients:
  - { client_id: fhir-server, client_name: FHIR, token_endpoint_auth_method: client_secret_basic, client_secret: "\${FHIR_SECRET}", grant_types: [] }
accounts:
  - { username: first, password: "\${PASSWORD}", totp: "\${TOTP}", name: First Admin, role: clinician }
`

interface Row {
  what: string
  /** The line that says so: path and words. */
  line: string
  change?: (yaml: string) => string
  given?: Partial<typeof env>
}

const without = (name: keyof typeof env): Row => ({
  what: `no ${name}`,
  line: `the environment variable ${name} is not set`,
  given: { [name]: '' }
})

const SHORT = 'bytes in base64url or hexadecimal, but is 16 bytes'
const REFUSED: Row[] = [
  without('SEALING_KEY'),
  without('LOOKUP_KEY'),
  without('COOKIE_KEY'),
  without('FHIR_SECRET'),
  without('PASSWORD'),
  {
    what: 'a password of fourteen characters alone',
    line: 'accounts[0].password: must have at least 15 characters',
    change: (yaml) => yaml.replace('clinicians: required', 'clinicians: off'),
    given: { PASSWORD: 'rain on a tin ' }
  },
  {
    what: 'a password made of the person and a year',
    line: 'accounts[0].password: is made of names that anybody would try',
    given: { PASSWORD: 'First.Admin2024' }
  },
  {
    what: 'no secrets section',
    line: 'secrets: is required in production: sealingKeys, lookupKey and cookieKeys',
    change: (yaml) => yaml.replace(/^secrets: .*$/m, '')
  },
  {
    what: 'an http issuer',
    line: 'issuer: must be https in production',
    change: (yaml) => yaml.replace('issuer: https', 'issuer: http')
  },
  {
    what: 'an http FHIR server',
    line: 'fhirServers[0].baseUrl: must be https in production',
    change: (yaml) => yaml.replace('baseUrl: https', 'baseUrl: http')
  },
  {
    what: 'a store in memory',
    line: 'store: must not be in memory in production',
    change: (yaml) => yaml.replace(/^store: .*$/m, 'store: "sqlite::memory:"')
  },
  {
    what: "a store in memory, by SQLite's own addresses",
    line: 'store: must be sqlite:<file>, redis://<host>:<port>, redis+sentinel://',
    change: (yaml) => yaml.replace(/^store: .*$/m, 'store: "sqlite:file:x?mode=memory"')
  },
  { what: 'no store', line: 'store: is required in production', change: (yaml) => yaml.replace(/^store: .*$/m, '') },
  { what: 'a short sealing key', line: SHORT, given: { SEALING_KEY: randomBytes(16).toString('base64url') } },
  { what: 'a short lookup key', line: SHORT, given: { LOOKUP_KEY: randomBytes(16).toString('hex') } },
  { what: 'a short cookie key', line: SHORT, given: { COOKIE_KEY: randomBytes(16).toString('base64url') } },
  {
    what: 'a sealing key that repeats itself',
    line: 'must be random: it repeats itself',
    given: { SEALING_KEY: 'A'.repeat(43) }
  },
  {
    what: 'a sealing key of the kind that examples have',
    line: 'secrets.sealingKeys[0].key: must not be the key of an example',
    given: { SEALING_KEY: 'change-me-change-me-change-me-change-me-change-me' }
  },
  {
    what: 'a short client secret',
    line: 'clients[0].client_secret: must have at least 32 characters in production',
    given: { FHIR_SECRET: 'short-and-sweet' }
  },
  {
    what: "the sample clinic's client secret",
    line: 'clients[0].client_secret: must not be the secret of an example',
    given: { FHIR_SECRET: 'fhir-secret-fhir-secret-fhir-secret' }
  },
  {
    what: "the sample clinic's password",
    line: 'accounts[0].password: must not be the password of an example',
    given: { PASSWORD: 'correct horse battery staple' }
  },
  {
    what: "the sample clinic's TOTP key",
    line: 'accounts[0].totp: must not be the key of an example',
    given: { TOTP: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' }
  },
  ...(['SEALING_KEY', 'LOOKUP_KEY', 'COOKIE_KEY', 'FHIR_SECRET', 'PASSWORD', 'TOTP'] as const).map((name) => ({
    what: `${name} written into the file`,
    line: 'must come from outside this file in production: ',
    change: (yaml: string) => yaml.replace(`\${${name}}`, env[name])
  }))
]

describe('case 146: production refuses to start', () => {
  let port: number
  beforeAll(async () => {
    port = await freePort()
  })

  test.each(REFUSED)('with $what', async ({ line, change = (yaml) => yaml, given = {} }) => {
    const store = `sqlite:${join(folder, 'never-made.db')}`
    const { code, stdout, stderr } = await runToEnd(change(production({ port, store })), { ...env, ...given })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    const [first, ...problems] = stderr.trimEnd().split('\n')
    expect({ first, problems }).toEqual({
      first: expect.stringMatching(/one mistake$/),
      problems: [expect.stringContaining(line)]
    })
    // What is wrong with a secret is said without the secret.
    for (const secret of Object.values({ ...env, ...given }).filter((value) => value !== '')) expect(stderr).not.toContain(secret)
  })

  test.each<[string, Partial<typeof env>, string]>([
    ['another sealing key', { SEALING_KEY: key() }, 'the sealing key does not open this store'],
    ['another lookup key', { LOOKUP_KEY: key() }, 'the lookup key is not the one with which this store was begun']
  ])('with %s than the store was begun with, and leaves the store as it was', async (_what, given, line) => {
    const database = join(folder, `begun-${line.length}.db`)
    const store = `sqlite:${database}`
    // Begun by a command, which needs nothing but the keys.
    const begin = production({ port, store })
    const first = await runToEnd(begin, env, 'audit', 'verify')
    expect(first).toMatchObject({ code: 0, stderr: '' })
    const before = contentOf(database)
    const { code, stdout, stderr } = await runToEnd(begin, { ...env, ...given })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.trimEnd().split('\n')).toEqual([expect.stringContaining(line)])
    expect(contentOf(database)).toEqual(before)
  })
})

function contentOf(database: string): unknown[] {
  const raw = new DatabaseSync(database)
  try {
    return raw.prepare('SELECT kind, id, hex(payload) AS payload FROM entries ORDER BY kind, id').all()
  } finally {
    raw.close()
  }
}
