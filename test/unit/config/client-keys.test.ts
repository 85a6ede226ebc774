/** The keys of clients that authenticate by an assertion, and what only such clients may do. */
import { generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readPublicJwk } from '../../../src/config/public-jwk.ts'
import { MARIA, openAccounts } from '../accounts/open-accounts.ts'
import { problemsWith } from './mistakes.ts'

const rsa = (modulusLength: number, publicExponent = 65_537) => generateKeyPairSync('rsa', { modulusLength, publicExponent })
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
const goodRsa = rsa(2048)
const goodEc = ec('P-384')
const rsaJwk: JsonWebKey = goodRsa.publicKey.export({ format: 'jwk' })
const ecJwk: JsonWebKey = goodEc.publicKey.export({ format: 'jwk' })

describe('a public key', () => {
  test.each([
    ['RSA', rsaJwk, 'RS384'],
    ['EC on P-384', ecJwk, 'ES384'],
    ['with all that may be said of it', { ...ecJwk, use: 'sig', alg: 'ES384', key_ops: ['verify'], kid: 'a', x5t: 'b' }, 'ES384']
  ])('%s is good', (_what, jwk, alg) => {
    expect(readPublicJwk(jwk)).toMatchObject({ alg })
  })

  const weak: [string, JsonWebKey, string][] = [
    ['RSA of 1024 bits', rsa(1024).publicKey.export({ format: 'jwk' }), 'must have 2048 to 8192 bits'],
    [
      'RSA with the exponent 3',
      rsa(2048, 3).publicKey.export({ format: 'jwk' }),
      'must have a public exponent of at least 65537'
    ],
    ['EC on P-256', ec('P-256').publicKey.export({ format: 'jwk' }), 'must be on the curve P-384'],
    ['EC on secp256k1', ec('secp256k1').publicKey.export({ format: 'jwk' }), 'must be on the curve P-384'],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA' }, 'must have the kty RSA or EC'],
    ['Ed25519', generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }), 'must have the kty RSA or EC'],
    ['the private parts of RSA', goodRsa.privateKey.export({ format: 'jwk' }), 'must be a public key, without private parts'],
    ['the private part of EC', goodEc.privateKey.export({ format: 'jwk' }), 'must be a public key, without private parts'],
    ['a k beside a good key', { ...ecJwk, k: 'AAAA' }, 'must be a public key, without private parts'],
    ['another alg', { ...rsaJwk, alg: 'RS256' }, 'must have the alg RS384, or none'],
    ['the use enc', { ...rsaJwk, use: 'enc' }, 'must have the use sig, or none'],
    ['key_ops without verify', { ...ecJwk, key_ops: ['encrypt'] }, 'must have verify among its key_ops, or none'],
    ['no modulus', { kty: 'RSA', e: 'AQAB' }, 'must be a complete JSON Web Key'],
    ['a point that is not on the curve', { ...ecJwk, y: ecJwk.x ?? '' }, 'must be a complete JSON Web Key']
  ]
  test.each(weak)('case 52: %s is refused', (_what, jwk, problem) => {
    expect(readPublicJwk(jwk)).toBe(problem)
  })
  test.each(weak)('case 52: SM-069: in the configuration, %s is refused, and its value not shown', (_what, jwk, problem) => {
    const [found, ...more] = problemsOf({ jwks: { keys: [{ ...jwk, kid: 'a' }] } })
    expect(more).toEqual([])
    expect(found).toBe(`clients[1].jwks.keys[0]: ${problem}, but is a mapping`)
  })
})

const SERVICE = {
  client_id: 'service',
  client_name: 'Service',
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [{ ...rsaJwk, kid: 'one' }] },
  grant_types: ['client_credentials'],
  smart_scope: 'system/*.rs'
}
const problemsOf = (changes: Record<string, unknown>) => problemsWith(['clients', 1], { ...SERVICE, ...changes })

describe('a client with a key', () => {
  test.each<[string, Record<string, unknown>]>([
    ['its keys inline', {}],
    ['its keys at an https address', { jwks: undefined, jwks_uri: 'https://service.example/jwks.json' }],
    ['one algorithm', { token_endpoint_auth_signing_alg: 'RS384' }],
    ['FHIR servers of its own', { fhir_servers: ['clinic'] }],
    [
      'people who use it',
      { grant_types: ['authorization_code'], redirect_uris: ['https://a.example/cb'], smart_scope: 'user/*.rs' }
    ]
  ])('may have %s', (_what, changes) => {
    expect(problemsOf(changes)).toEqual([])
  })

  test.each<[Record<string, unknown>, string]>([
    [{ jwks: undefined }, 'clients[1].jwks: is required by token_endpoint_auth_method private_key_jwt, or jwks_uri'],
    [{ jwks_uri: 'https://a.example/jwks' }, 'clients[1].jwks_uri: must not be given beside jwks'],
    [{ jwks: { keys: [] } }, 'clients[1].jwks.keys: must have at least one key'],
    [{ jwks: { keys: [rsaJwk] } }, 'clients[1].jwks.keys[0].kid: is required'],
    [
      { jwks: { keys: [rsaJwk, ecJwk].map((jwk) => ({ ...jwk, kid: 'one' })) } },
      'clients[1].jwks.keys: must have each kid once, but is a list'
    ],
    [{ jwks: { keys: [{ ...rsaJwk, kid: ' ' }] } }, 'clients[1].jwks.keys[0].kid: must not be empty, but is " "'],
    [{ client_secret: 'x' }, 'clients[1].client_secret: must not be given: a private_key_jwt client has no secret'],
    [
      { token_endpoint_auth_signing_alg: 'HS256' },
      'clients[1].token_endpoint_auth_signing_alg: must be RS384 or ES384, but is "HS256"'
    ],
    [
      { jwks: undefined, jwks_uri: 'http://localhost:9006/jwks' },
      'clients[1].jwks_uri: must be https: http is only for hosts that outbound.allowedHosts names'
    ],
    [{ fhir_servers: ['nowhere'] }, 'clients[1].fhir_servers[0]: must be the id of one of fhirServers, but is "nowhere"'],
    [
      { grant_types: [], fhir_servers: ['clinic'], smart_scope: '' },
      'clients[1].fhir_servers: must be empty without the grant type client_credentials'
    ],
    [{ grant_types: [] }, 'clients[1].smart_scope: must have no system/ scope without the grant type client_credentials'],
    [
      { token_endpoint_auth_method: 'client_secret_basic', client_secret: 'x', jwks: undefined },
      'clients[1].grant_types: must not have client_credentials without token_endpoint_auth_method private_key_jwt: a shared secret is not enough for it'
    ],
    [
      { token_endpoint_auth_method: 'none', grant_types: [], smart_scope: '' },
      'clients[1].jwks: must not be given without token_endpoint_auth_method private_key_jwt'
    ],
    [
      {
        token_endpoint_auth_method: 'none',
        grant_types: [],
        smart_scope: '',
        jwks: undefined,
        jwks_uri: 'https://a.example/jwks'
      },
      'clients[1].jwks_uri: must not be given without token_endpoint_auth_method private_key_jwt'
    ]
  ])('SM-069: %j', (changes, problem) => {
    expect(problemsOf(changes)).toEqual([problem])
  })
})

describe('case 43: the id of a backend service', () => {
  test('is refused where a person could have it as sub', async () => {
    const { accounts } = await openAccounts()
    const app = { grant_types: ['authorization_code'], redirect_uris: ['https://a.example/cb'], smart_scope: 'user/*.rs' }
    for (let person = 0; person < 8; person++) {
      const { sub: client_id } = await accounts.createIfAbsent({ ...MARIA, username: `person-${person}` })
      expect(problemsOf({ client_id })).toEqual([
        "clients[1].client_id: must not have the form of a person's sub, 22 letters and digits that end in A, Q, g or w, with the grant type client_credentials"
      ])
      // A client that acts for people is nobody's subject.
      expect(problemsOf({ client_id, ...app })).toEqual([])
    }
  })

  test.each(['bulk', 'clinic-bulk-exporter-1', 'x'.repeat(22), 'https://service.example/id'])('%s is good', (client_id) => {
    expect(problemsOf({ client_id })).toEqual([])
  })
})

describe('hosts for development', () => {
  test.each(['localhost', 'http://localhost:9006', 'LOCALHOST:9006', 'localhost:port'])('%j is none', (host) => {
    expect(problemsWith(['outbound'], { allowedHosts: [host] })).toEqual([
      `outbound.allowedHosts[0]: must be a host and a port such as localhost:9006, but is ${JSON.stringify(host)}`
    ])
  })

  test.each(['localhost:9006', '[::1]:80', '10.0.0.7:443'])('%j is one', (host) => {
    expect(problemsWith(['outbound'], { allowedHosts: [host] })).toEqual([])
  })
})
