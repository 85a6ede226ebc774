import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ConfigError } from '../../../src/config/config-error.ts'
import { parseConfig, readConfig } from '../../../src/config/read-config.ts'
import { completeDemo, problemsOfText, problemsWith } from './mistakes.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyward-config-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const smallest = `
demo: true
issuer: http://localhost:9000
organization: { name: Clinic, supportPhone: "1" }
`
const withClient = (member: string) => `${smallest}clients: [{ client_id: a, client_name: A, grant_types: [], ${member} }]`

describe('a complete configuration', () => {
  const config = parseConfig(completeDemo, { env: {}, baseDir: folder })

  test('reads as it stands, lengths of time in seconds', () => {
    expect(config.lifetimes).toEqual({
      authorizationCode: 60,
      accessToken: 900,
      backendAccessToken: 300,
      refreshToken: 8_035_200,
      refreshRetry: 10,
      session: 43_200,
      idle: 1800
    })
    expect(config.clients.map((client) => client.client_id)).toEqual(['clinic-fhir', 'heart-app'])
    expect(config.accounts[0]?.people[0]?.patients).toContainEqual({ id: 'leo', relationship: 'child', name: 'Leo Diaz' })
    expect(config.secrets).toBeUndefined()
  })

  test.each([
    ['0s', 0],
    ['10s', 10],
    ['1m', 60]
  ])('reads a time for retries of %s', (written, seconds) => {
    const { lifetimes } = parseConfig(`${smallest}lifetimes: { refreshRetry: ${written} }`, { env: {}, baseDir: folder })
    expect(lifetimes.refreshRetry).toBe(seconds)
  })

  test('is frozen to its leaves', () => {
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.clients[1]?.redirect_uris)).toBe(true)
    expect(() => Object.assign(config.listen, { port: 1 })).toThrow(TypeError)
  })

  test('gets the defaults of what it leaves out', () => {
    const { limits, log, listen, store, fhirServers, clients } = parseConfig(smallest, { env: {}, baseDir: folder })
    expect(limits).toEqual({
      window: 900,
      passwordsPerAccount: 10,
      codesPerAccount: 10,
      signInsPerAddress: 500,
      authorizationsPerAddress: 2000,
      refusalsPerAddress: 2000,
      refusalsPerClient: 20000,
      searchesPerAccount: 500
    })
    expect({ log, listen, store }).toEqual({
      log: { level: 'info' },
      listen: { host: '127.0.0.1', port: 9000, trustedProxies: [], tls: null, drainDelay: 5 },
      store: 'sqlite:./data/keyward.db'
    })
    expect([fhirServers, clients]).toEqual([[], []])
  })

  test('a client without response_types gets code with authorization_code, and none without', () => {
    const text = `${smallest}clients:
  - { client_id: app, client_name: App, token_endpoint_auth_method: none, redirect_uris: [https://app.example/cb] }
  - { client_id: fhir, client_name: FHIR, client_secret: secret, grant_types: [] }`
    expect(parseConfig(text, { env: {}, baseDir: folder }).clients).toMatchObject([
      {
        grant_types: ['authorization_code'],
        response_types: ['code'],
        verified: false,
        smart_scope: '',
        launch_contexts: [],
        disabled: false
      },
      { token_endpoint_auth_method: 'client_secret_basic', response_types: [] }
    ])
  })

  test('enforces no category where it says nothing', () => {
    const text = `${smallest}fhirServers: [{ id: a, baseUrl: https://fhir.example/r4 }]`
    expect(parseConfig(text, { env: {}, baseDir: folder }).fhirServers[0]).toMatchObject({
      id: 'a',
      baseUrl: 'https://fhir.example/r4',
      enforces: { categories: [] },
      introspectedBy: [],
      sandbox: false
    })
  })
})

describe('values from outside the file', () => {
  test('${NAME} is replaced within any text, and $${ stands for ${', () => {
    const text = smallest.replace('Clinic', () => '"${CITY} Clinic $${CITY}"')
    expect(parseConfig(text, { env: { CITY: 'North' }, baseDir: folder }).organization.name).toBe('North Clinic ${CITY}')
  })

  test('a value of the environment is not read as YAML or substituted again', () => {
    const text = smallest.replace('Clinic', () => '"${NAME}"')
    expect(parseConfig(text, { env: { NAME: '[${HOME}]' }, baseDir: folder }).organization.name).toBe('[${HOME}]')
  })

  test.each([{}, { SECRET: '' }])('a variable that is not set or empty is named with its place: %j', (env) => {
    expect(problemsOfText(withClient('client_secret: "${SECRET}"'), { env })).toEqual([
      'clients[0].client_secret: the environment variable SECRET is not set'
    ])
  })

  test('a secret is read from its file, relative to the configuration, without the last line break', () => {
    writeFileSync(join(folder, 'secret'), 'from a file \r\n')
    writeFileSync(join(folder, 'keyward.yaml'), withClient('client_secretFile: ./secret'))
    expect(readConfig(join(folder, 'keyward.yaml'), {}).clients[0]?.client_secret).toBe('from a file ')
  })

  test.each([
    ['client_secretFile: missing', 'clients[0].client_secretFile: must be a file that can be read, but is "missing"'],
    ['client_secretFile: [x]', 'clients[0].client_secretFile: must be a file that can be read, but is ["x"]'],
    ['client_secret: x, client_secretFile: y', 'clients[0].client_secret: must not be given beside client_secretFile'],
    ['client_nameFile: y', 'clients[0].client_nameFile: is not a setting: did you mean client_name?']
  ])('%s is refused, in one line', (member, problem) => {
    expect(problemsOfText(withClient(member.startsWith('client_name') ? `${member}, client_secret: x` : member))).toEqual([
      problem
    ])
  })

  test('listen.tls.keyFile is a path and stays one, from the folder of the configuration', () => {
    writeFileSync(join(folder, 'tls.pem'), '')
    const text = (key: string) => `${smallest}listen: { tls: { certFile: tls.pem, keyFile: ${key} } }`
    expect(parseConfig(text('tls.pem'), { env: {}, baseDir: folder }).listen.tls).toEqual({
      certFile: join(folder, 'tls.pem'),
      keyFile: join(folder, 'tls.pem')
    })
    expect(problemsOfText(text('no.pem'), { baseDir: folder })).toEqual([
      'listen.tls.keyFile: must be a file that can be read, but is "no.pem"'
    ])
  })
})

describe('a file with mistakes', () => {
  test('names all of them at once, in one error that says which file', () => {
    const file = join(folder, 'wrong.yaml')
    writeFileSync(
      file,
      completeDemo
        .replace('port: 9000', 'port: 90000')
        .replace('role: clinician', 'role: nurse')
        .replace('[clinic-fhir]', '[clinic]')
    )
    const read = () => readConfig(file, {})
    expect(read).toThrow(ConfigError)
    expect(read).toThrow(
      [
        `${file}: 3 mistakes`,
        '  listen.port: must be from 0 to 65535, but is 90000',
        '  accounts[1].role: must be patient, clinician or developer, but is "nurse"',
        '  fhirServers[0].introspectedBy[0]: must be the client_id of one of clients, but is "clinic"'
      ].join('\n')
    )
  })

  test.each([
    ['', 'must be a mapping of settings'],
    ['- a', 'must be a mapping of settings'],
    ['a: [', 'line 1'],
    ['issuer: a\nissuer: b', 'Map keys must be unique'],
    ['a: *b', 'Unresolved alias']
  ])('%j is refused as a whole', (text, problem) => {
    expect(problemsOfText(text).join()).toContain(problem)
  })

  test.each([
    '7',
    '[]',
    '{}',
    'true',
    'null',
    '[7]',
    '[{ client_id: 7 }]',
    '[{ people: 7 }]',
    '[{ people: [7] }]',
    '[{ redirect_uris: [7] }]'
  ])('sections that are all %s are reported, whatever the rules between them expect', (value) => {
    const names = ['issuer', 'store', 'lifetimes', 'secrets', 'fhirServers', 'clients', 'accounts']
    for (const demo of [true, false]) {
      const problems = problemsOfText([`demo: ${demo}`, ...names.map((name) => `${name}: ${value}`)].join('\n'))
      expect(problems.join('\n')).toMatch(/^issuer: must be text/m)
      expect(problems).toContain('organization: is required')
    }
  })

  test('a file that is not there is named', () => {
    expect(() => readConfig(join(folder, 'none.yaml'), {})).toThrow("none.yaml: one mistake\n  can't be read (ENOENT)")
  })

  test('what is wrong with a secret is said without the secret', () => {
    const text = `${completeDemo}\nsecrets: { sealingKeys: [{ id: 1, key: "s3cr3t s3cr3t" }], lookupKey: "\${KEY}", cookieKeys: [s3cr3t] }`
    const problems = problemsOfText(text, { env: { KEY: 's3cr3t' } })
    expect(problems).toHaveLength(4)
    expect(problems.join()).not.toContain('s3cr3t')
    expect(problemsWith(['accounts', 0, 'password'], 's3cr3t').join()).not.toContain('s3cr3t')
    expect(problemsWith(['organization', 'accentColor'], '${KEY}', { env: { KEY: 's3cr3t' } }).join()).not.toContain('s3cr3t')
  })
})
