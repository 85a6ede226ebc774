import { describe, expect, test } from 'vitest'
import { STORE_FORMS } from '../../../src/config/store-url.ts'
import { problemsWith } from './mistakes.ts'

type Row = [path: (string | number)[], value: unknown, problem: string]

const key = (first: number, length = 32) => Buffer.from(Array.from({ length }, (_, at) => first + at)).toString('base64url')
const secrets = { sealingKeys: [{ id: 1, key: key(1) }], lookupKey: key(2), cookieKeys: [key(3)] }
const app = ['clients', 1]

describe('one value by itself', () => {
  const rows: Row[] = [
    [['demo'], 'yes', 'demo: must be true or false, but is "yes"'],
    [['issuer'], undefined, 'issuer: is required'],
    [['issuer'], 'nope', 'issuer: must be an absolute URL, but is "nope"'],
    [['issuer'], 'ftp://a.example', 'issuer: must be an https or http URL, but is "ftp://a.example"'],
    [['issuer'], 'https://a.example/?a', 'issuer: must not have a query, but is "https://a.example/?a"'],
    [['issuer'], 'https://a.example?', 'issuer: must not have a query, but is "https://a.example?"'],
    [['issuer'], 'https://a.example#a', 'issuer: must not have a fragment, but is "https://a.example#a"'],
    [['issuer'], 'https://a.example/', 'issuer: must not end with a slash, but is "https://a.example/"'],
    [['issuer'], 'https://a:b@a.example', 'issuer: must not contain a user name or password, but is "https://a:b@a.example"'],
    [
      ['issuer'],
      'https://A.example:443',
      'issuer: must be written as browsers write it, https://a.example, but is "https://A.example:443"'
    ],
    [['listen', 'port'], -1, 'listen.port: must be from 0 to 65535, but is -1'],
    [['listen', 'port'], 65_536, 'listen.port: must be from 0 to 65535, but is 65536'],
    [['listen', 'port'], 1.5, 'listen.port: must be a whole number, but is 1.5'],
    [['listen', 'port'], '9000', 'listen.port: must be a whole number, but is "9000"'],
    [
      ['listen', 'trustedProxies'],
      ['10.0.0.0/33'],
      'listen.trustedProxies[0]: must be an IP address or a network such as 10.0.0.0/8, but is "10.0.0.0/33"'
    ],
    [['listen', 'trustedProxies'], 'all', 'listen.trustedProxies: must be a list, but is "all"'],
    [['organization', 'accentColor'], 'red', 'organization.accentColor: must be a colour such as "#0b6e6e", but is "red"'],
    [['organization', 'name'], ' ', 'organization.name: must not be empty, but is " "'],
    [['lifetimes', 'session'], '12 h', 'lifetimes.session: must be a length of time such as 60s, 15m, 12h or 93d, but is "12 h"'],
    [
      ['lifetimes', 'accessToken'],
      900,
      'lifetimes.accessToken: must be a length of time such as 60s, 15m, 12h or 93d, but is 900'
    ],
    [['lifetimes', 'accessToken'], '61m', 'lifetimes.accessToken: must not be longer than 1h, but is "61m"'],
    [['lifetimes', 'authorizationCode'], '11m', 'lifetimes.authorizationCode: must not be longer than 10m, but is "11m"'],
    [['lifetimes', 'refreshRetry'], '61s', 'lifetimes.refreshRetry: must not be longer than 60s, but is "61s"'],
    [['lifetimes', 'refreshRetry'], '0', 'lifetimes.refreshRetry: must be 0s or a length of time such as 10s, but is "0"'],
    [['limits', 'codesPerAccount'], 0, 'limits.codesPerAccount: must be at least 1, but is 0'],
    [['secondFactor', 'patients'], 'never', 'secondFactor.patients: must be required, optional or off, but is "never"'],
    [['store'], 'mysql://a', `store: ${STORE_FORMS}`],
    [['store'], 'sqlite:file::memory:', `store: ${STORE_FORMS}`],
    [
      ['fhirServers', 0, 'baseUrl'],
      'https://a.example/fhir/',
      'fhirServers[0].baseUrl: must not end with a slash, but is "https://a.example/fhir/"'
    ],
    [
      ['fhirServers', 0, 'enforces'],
      { categories: ['condition'] },
      'fhirServers[0].enforces.categories[0]: must be a FHIR resource type, but is "condition"'
    ],
    [
      [...app, 'client_id'],
      'a b',
      'clients[1].client_id: must be 1 to 200 printable ASCII characters without a space, but is "a b"'
    ],
    [
      [...app, 'grant_types'],
      ['authorization_code', 'password'],
      'clients[1].grant_types[1]: must be authorization_code, refresh_token or client_credentials, but is "password"'
    ],
    [[...app, 'response_types'], ['code', 'token'], 'clients[1].response_types[1]: must be code, but is "token"'],
    [['accounts', 0, 'totp'], 'JBSWY3DPEHPK3PXP', 'accounts[0].totp: must be at least 16 bytes, which are 26 characters'],
    [['accounts', 0, 'totp'], 'not base32!', 'accounts[0].totp: must be base32: the letters A to Z and the digits 2 to 7'],
    [['accounts', 0, 'password'], 'short', 'accounts[0].password: must be 8 to 1024 characters'],
    [
      ['accounts', 0, 'people', 0, 'fhirUser'],
      'maria',
      'accounts[0].people[0].fhirUser: must be a reference such as Patient/123 or Practitioner/456, but is "maria"'
    ],
    [
      ['secrets'],
      { ...secrets, lookupKey: key(1, 31) },
      'secrets.lookupKey: must be at least 32 random bytes in base64url or hexadecimal, but is 31 bytes'
    ],
    [['secrets'], { ...secrets, lookupKey: 'A'.repeat(43) }, 'secrets.lookupKey: must be random: it repeats itself'],
    [
      ['secrets'],
      { ...secrets, lookupKey: '0123456789abcdef'.repeat(3) },
      'secrets.lookupKey: must be at least 32 random bytes in base64url or hexadecimal, but is 24 bytes'
    ],
    [
      ['secrets'],
      { ...secrets, lookupKey: 'not a key' },
      'secrets.lookupKey: must be at least 32 random bytes in base64url or hexadecimal'
    ],
    [['secrets'], { ...secrets, sealingKeys: [] }, 'secrets.sealingKeys: must have at least one key'],
    [
      ['secrets'],
      { ...secrets, sealingKeys: [{ id: 256, key: key(1) }] },
      'secrets.sealingKeys[0].id: must be from 1 to 255, but is 256'
    ]
  ]
  test.each(rows)('%j = %j', (path, value, problem) => {
    expect(problemsWith(path, value)).toEqual([problem])
  })

  test('configured secrets are accepted, in base64url and in hexadecimal', () => {
    expect(problemsWith(['secrets'], secrets)).toEqual([])
    const hexadecimal = Buffer.from(key(4), 'base64url').toString('hex')
    expect(problemsWith(['secrets'], { ...secrets, lookupKey: hexadecimal })).toEqual([])
  })
})

describe('URIs of a client', () => {
  test.each(['javascript:', 'JaVaScRiPt:', 'data:', 'DATA:', 'vbscript:', 'VBScript:', 'blob:', 'Blob:', 'file:', 'FILE:'])(
    'case 15: the scheme %s is refused everywhere',
    (scheme) => {
      const uri = `${scheme}//app.example/alert(1)`
      expect(problemsWith([...app, 'redirect_uris'], [uri])).toEqual([
        `clients[1].redirect_uris[0]: must not use the scheme ${scheme.toLowerCase()}, but is ${JSON.stringify(uri)}`
      ])
      for (const member of ['logo_uri', 'tos_uri', 'policy_uri', 'client_uri', 'launch_url']) {
        expect(problemsWith([...app, member], uri)).toEqual([
          `clients[1].${member}: must be an https URL, but is ${JSON.stringify(uri)}`
        ])
      }
    }
  )

  test.each([
    ['/app', 'must be an absolute URI'],
    ['https://app.example/#a', 'must not have a fragment'],
    ['https://*.example/', 'must not have a wildcard: redirect URIs are compared letter by letter'],
    ['https://a:b@app.example/', 'must not contain a user name or password'],
    ['http://app.example/', 'must be an https URL (http only for localhost and loopback addresses)'],
    ['http://localhost.example/', 'must be an https URL (http only for localhost and loopback addresses)'],
    ['http://127.0.0.1.example/', 'must be an https URL (http only for localhost and loopback addresses)'],
    ['myapp:/callback', 'must use https, or a private-use scheme with a dot in it such as com.example.app:']
  ])('the redirect URI %s is refused', (uri, problem) => {
    expect(problemsWith([...app, 'redirect_uris'], [uri])).toEqual([`clients[1].redirect_uris[0]: ${problem}, but is "${uri}"`])
  })

  test.each(['https://app.example/cb?a=b', 'http://localhost:1/cb', 'http://127.0.0.1/cb', 'http://[::1]:7/cb'])(
    'the redirect URI %s is accepted',
    (uri) => {
      expect(problemsWith([...app, 'redirect_uris'], [uri])).toEqual([])
    }
  )

  test('a private-use scheme is for native apps', () => {
    const uri = 'com.example.app:/callback'
    expect(problemsWith([...app, 'redirect_uris'], [uri])).toEqual([
      'clients[1].redirect_uris[0]: must use https: a private-use scheme needs application_type native'
    ])
    expect(problemsWith(['clients', 1], { ...native, redirect_uris: [uri] })).toEqual([])
  })
  const native = { client_id: 'n', client_name: 'N', application_type: 'native', token_endpoint_auth_method: 'none' }
})

test.each([
  'openid patient/*.rs',
  'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory',
  ''
])('smart_scope %j is accepted', (scope) => {
  expect(problemsWith([...app, 'smart_scope'], scope)).toEqual([])
})

test.each(['openid  fhirUser', ' openid', 'openid ', 'patient/"x"', 'a\\b', 'openid\tfhirUser', 'é'])(
  'smart_scope %j is refused',
  (scope) => {
    expect(problemsWith([...app, 'smart_scope'], scope)).toEqual([
      `clients[1].smart_scope: must be scopes with one space between two, in the characters of RFC 6749 section 3.3, but is ${JSON.stringify(scope)}`
    ])
  }
)

describe('a name that is not a setting', () => {
  const rows: Row[] = [
    [['isuer'], 'x', 'isuer: is not a setting: did you mean issuer?'],
    [['listen', 'prot'], 1, 'listen.prot: is not a setting: did you mean port?'],
    [
      ['listen', 'tls'],
      { certFile: 'a', keyFile: 'b', certfile: 'c' },
      'listen.tls.certfile: is not a setting: did you mean certFile?'
    ],
    [[...app, 'redirect_uri'], 'x', 'clients[1].redirect_uri: is not a setting: did you mean redirect_uris?'],
    [['accounts', 0, 'people', 0, 'fhiruser'], 'x', 'accounts[0].people[0].fhiruser: is not a setting: did you mean fhirUser?'],
    [['somethingElse'], 'x', 'somethingElse: is not a setting']
  ]
  test.each(rows)('%j is named', (path, value, problem) => {
    expect(problemsWith(path, value)).toContain(problem)
  })
})

describe('settings that must agree', () => {
  const person = { fhirServer: 'clinic', fhirUser: 'Patient/maria' }
  const rows: Row[] = [
    [
      ['accounts', 1, 'username'],
      ' MARIA ',
      'accounts[1].username: must be different from accounts[0].username, but both are "maria"'
    ],
    [
      ['accounts', 0, 'people'],
      [person, person],
      'accounts[0].people[1].fhirServer: must be different from accounts[0].people[0].fhirServer, but both are "clinic"'
    ],
    [
      ['accounts', 0, 'people', 0, 'patients', 1, 'id'],
      'maria',
      'accounts[0].people[0].patients[1].id: must be different from accounts[0].people[0].patients[0].id, but both are "maria"'
    ],
    [
      ['accounts', 0, 'people', 0, 'fhirServer'],
      'other',
      'accounts[0].people[0].fhirServer: must be the id of one of fhirServers, but is "other"'
    ],
    [
      [...app, 'launch_contexts'],
      ['clinic'],
      'clients[1].launch_contexts: must be empty without __launch_context in smart_scope, by which an EHR may create launch contexts'
    ],
    [
      ['fhirServers', 0, 'introspectedBy'],
      ['heart-app'],
      'fhirServers[0].introspectedBy[0]: must name a client that has a secret or a key, but "heart-app" is public'
    ],
    [
      [...app, 'client_secret'],
      'a secret',
      'clients[1].client_secret: must not be given: with token_endpoint_auth_method none there is no secret'
    ],
    [
      ['clients', 0, 'client_secret'],
      undefined,
      'clients[0].client_secret: is required by token_endpoint_auth_method client_secret_basic'
    ],
    [
      [...app, 'redirect_uris'],
      [],
      'clients[1].redirect_uris: must have at least one member for the grant type authorization_code'
    ],
    [
      ['clients', 0, 'grant_types'],
      ['refresh_token'],
      'clients[0].grant_types: must have authorization_code where it has refresh_token'
    ],
    [[...app, 'response_types'], [], 'clients[1].response_types: must have code for the grant type authorization_code'],
    [
      ['clients', 0, 'response_types'],
      ['code'],
      'clients[0].response_types: must be empty without the grant type authorization_code'
    ],
    [['lifetimes', 'idle'], '13h', 'lifetimes.idle: must not be longer than lifetimes.session'],
    [['secrets'], { ...secrets, lookupKey: key(1) }, 'secrets.lookupKey: must be another key than secrets.sealingKeys[0].key'],
    [
      ['secrets'],
      {
        ...secrets,
        sealingKeys: [
          { id: 1, key: key(1) },
          { id: 1, key: key(9) }
        ]
      },
      'secrets.sealingKeys[1].id: must be different from secrets.sealingKeys[0].id, but both are "1"'
    ]
  ]
  test.each(rows)('%j = %j', (path, value, problem) => {
    expect(problemsWith(path, value)).toEqual([problem])
  })

  test('two clients have different ids', () => {
    expect(problemsWith([...app, 'client_id'], 'clinic-fhir')).toContain(
      'clients[1].client_id: must be different from clients[0].client_id, but both are "clinic-fhir"'
    )
  })

  test.each(['Clinic A', '../clinic', '', 'a/b', 'A'])('%j is no id for a FHIR server', (id) => {
    expect(problemsWith(['fhirServers', 0, 'id'], id)).toContain(
      `fhirServers[0].id: must consist of lower-case letters, digits and hyphens, but is ${JSON.stringify(id)}`
    )
  })

  test('two FHIR servers have different ids and base URLs', () => {
    const server = { id: 'clinic', baseUrl: 'http://localhost:9001/fhir' }
    expect(problemsWith(['fhirServers'], [server, server])).toEqual([
      'fhirServers[1].id: must be different from fhirServers[0].id, but both are "clinic"',
      'fhirServers[1].baseUrl: must be different from fhirServers[0].baseUrl, but both are "http://localhost:9001/fhir"'
    ])
  })
})
