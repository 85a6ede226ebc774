import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseConfig } from '../../../src/config/read-config.ts'
import { completeDemo, problemsOfText } from './mistakes.ts'

const key = (first: number) => Buffer.from(Array.from({ length: 32 }, (_, at) => first + at)).toString('base64url')
const example = readFileSync(resolve(import.meta.dirname, '../../../config/production.example.yaml'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'keyward-production-'))
const env = {
  KEYWARD_REDIS_PASSWORD: 'redis-word',
  KEYWARD_SEALING_KEY_1: key(1),
  KEYWARD_LOOKUP_KEY: key(2),
  KEYWARD_COOKIE_KEY: key(3),
  KEYWARD_FHIR_SERVER_SECRET: key(4),
  KEYWARD_SECRETS_DIR: folder
}
beforeAll(() => {
  writeFileSync(join(folder, 'lab-app-secret'), `${key(5)}\n`)
  writeFileSync(join(folder, 'cookie-keys'), `${key(6)}\n${key(7)}\n`)
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const problems = (change: (text: string) => string = (text) => text, more: NodeJS.ProcessEnv = {}) =>
  problemsOfText(change(example), { env: { ...env, ...more }, baseDir: folder })

test('config/production.example.yaml is valid once its variables and files are there', () => {
  const config = parseConfig(example, { env, baseDir: folder })
  expect(config.demo).toBe(false)
  expect(config.store).toBe('rediss://keyward:redis-word@redis.hospital.example:6380')
  expect(config.clients.map((client) => client.client_secret)).toEqual([key(4), undefined, undefined, key(5)])
})

test('without its variables the example names each of them', () => {
  expect(problemsOfText(example)).toEqual([
    'store: the environment variable KEYWARD_REDIS_PASSWORD is not set',
    'secrets.sealingKeys[0].key: the environment variable KEYWARD_SEALING_KEY_1 is not set',
    'secrets.lookupKey: the environment variable KEYWARD_LOOKUP_KEY is not set',
    'secrets.cookieKeys[0]: the environment variable KEYWARD_COOKIE_KEY is not set',
    'clients[0].client_secret: the environment variable KEYWARD_FHIR_SERVER_SECRET is not set',
    'clients[3].client_secretFile: the environment variable KEYWARD_SECRETS_DIR is not set'
  ])
})

describe('a start is production unless the file says demo: true', () => {
  test.each(['', 'demo: false\n'])('%j', (line) => {
    expect(problemsOfText(completeDemo.replace(/^demo: true.*\n/, line))).toEqual([
      'clients[0].client_secret: must come from outside this file in production: ${NAME} of the environment, or client_secretFile',
      'accounts[0].password: must come from outside this file in production: ${NAME} of the environment, or passwordFile',
      'accounts[1].password: must come from outside this file in production: ${NAME} of the environment, or passwordFile',
      'accounts[0].totp: must come from outside this file in production: ${NAME} of the environment, or totpFile',
      'accounts[1].totp: must come from outside this file in production: ${NAME} of the environment, or totpFile',
      'issuer: must be https in production',
      'secrets: is required in production: sealingKeys, lookupKey and cookieKeys',
      'clients[0].client_secret: must not be the secret of an example',
      'accounts[0].password: must not be the password of an example',
      'accounts[0].totp: must not be the key of an example',
      'accounts[1].password: must not be the password of an example',
      'accounts[1].totp: must not be the key of an example'
    ])
  })
})

test('every secret of config/demo.yaml is known as an example, so that nobody takes it along', () => {
  const demo = readFileSync(resolve(import.meta.dirname, '../../../config/demo.yaml'), 'utf8')
  const config = parseConfig(demo, { env: {}, baseDir: folder })
  const known = problemsOfText(demo.replace(/^demo: true/m, 'demo: false')).filter((problem) =>
    problem.endsWith(' of an example')
  )
  const secrets = [
    ...config.clients.map((one) => one.client_secret),
    ...config.accounts.flatMap((one) => [one.password, one.totp])
  ]
  expect(known).toHaveLength(secrets.filter((secret) => secret !== undefined).length)
})

describe('production refuses', () => {
  test('a secret that is written into the file, wherever it stands', () => {
    const plain = (text: string) =>
      text.replaceAll(/\$\{(KEYWARD_[A-Z_0-9]+)\}/g, (written, name: keyof typeof env) =>
        name === 'KEYWARD_SECRETS_DIR' ? written : env[name]
      )
    expect(problems(plain).map((problem) => problem.split(': must come from outside')[0])).toEqual([
      'store',
      'secrets.sealingKeys[0].key',
      'secrets.lookupKey',
      'secrets.cookieKeys[0]',
      'clients[0].client_secret'
    ])
  })

  test.each([
    'redis+cluster://:word@a:7000,b:7000',
    'redis+sentinel://u:word@a,b/main',
    'redis+sentinel://a/main?sentinelPassword=word'
  ])('a password in %s that is written into the file', (store) => {
    expect(problems((text) => text.replace(/^store:.*\n/m, `store: "${store}"\n`))).toEqual([
      expect.stringMatching(/^store: must come from outside this file/)
    ])
  })

  test.each([
    ['a store that is not named', (text: string) => text.replace(/^store:.*\n/m, ''), 'store: is required in production'],
    [
      'a store in memory',
      (text: string) => text.replace(/^store:.*\n/m, 'store: "sqlite::memory:"\n'),
      'store: must not be in memory in production'
    ],
    ['an http issuer', (text: string) => text.replace('issuer: https', 'issuer: http'), 'issuer: must be https in production'],
    [
      'an http FHIR server',
      (text: string) => text.replace('baseUrl: https', 'baseUrl: http'),
      'fhirServers[0].baseUrl: must be https in production'
    ],
    [
      'hosts for development',
      (text: string) => `${text}\noutbound: { allowedHosts: ["localhost:9006"] }\n`,
      'outbound.allowedHosts: must be empty in production'
    ]
  ])('%s', (_, change, problem) => {
    expect(problems(change)).toEqual([problem])
  })

  test.each([
    ['a short client secret', 'short', 'clients[0].client_secret: must have at least 32 characters in production'],
    [
      "an example's client secret",
      'fhir-secret-fhir-secret-fhir-secret',
      'clients[0].client_secret: must not be the secret of an example'
    ]
  ])('%s, from the environment too', (_, secret, problem) => {
    expect(problems(undefined, { KEYWARD_FHIR_SERVER_SECRET: secret })).toEqual([problem])
  })

  test("a client's keys over http, at a host for development too", () => {
    const client =
      'clients:\n  - { client_id: s, client_name: S, token_endpoint_auth_method: private_key_jwt, jwks_uri: "http://localhost:9006/k", grant_types: [] }\n'
    const change = (text: string) => `${text.replace(/^clients:.*\n/m, client)}\noutbound: { allowedHosts: ["localhost:9006"] }\n`
    expect(problems(change)).toContain('clients[0].jwks_uri: must be https in production')
  })

  test("an example's sealing, lookup or cookie key, from the environment too", () => {
    const known = (letter: string) => `change-me-change-me-change-me-change-me-${letter.repeat(8)}`
    const given = { KEYWARD_SEALING_KEY_1: known('s'), KEYWARD_LOOKUP_KEY: known('l'), KEYWARD_COOKIE_KEY: known('c') }
    expect(problems(undefined, given)).toEqual([
      'secrets.sealingKeys[0].key: must not be the key of an example',
      'secrets.lookupKey: must not be the key of an example',
      'secrets.cookieKeys[0]: must not be the key of an example'
    ])
  })

  test("an example's password or TOTP key, from the environment too", () => {
    const account = 'accounts: [{ username: a, password: "${P}", totp: "${T}", name: A, role: patient }]'
    const given = { P: 'Correct horse battery staple', T: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' }
    expect(problems((text) => text.replace('accounts: []', account), given)).toEqual([
      'accounts[0].password: must not be the password of an example',
      'accounts[0].totp: must not be the key of an example'
    ])
  })
})

test('a local store and a Redis without a password need no variable', () => {
  expect(problems((text) => text.replace(/^store:.*\n/m, 'store: sqlite:/var/lib/keyward/keyward.db\n'))).toEqual([])
  expect(problems((text) => text.replace(/^store:.*\n/m, 'store: redis://10.0.0.1:6379\n'))).toEqual([])
})

test('cookie keys come from one file, a key on each line', () => {
  const text = example.replace(/cookieKeys: .*/, 'cookieKeysFile: cookie-keys')
  expect(parseConfig(text, { env, baseDir: folder }).secrets?.cookieKeys).toEqual([key(6), key(7)])
})
