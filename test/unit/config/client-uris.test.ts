import { describe, expect, test } from 'vitest'
import { problemsWith } from './mistakes.ts'

const APP = ['clients', 1]

const FORBIDDEN = [
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\tscript:alert(1)',
  ' javascript:alert(1)',
  'javascript://https://app.example/%0aalert(1)',
  'data:text/html,<script>alert(1)</script>',
  'DATA:text/html;base64,PHNjcmlwdD4=',
  'vbscript:msgbox(1)',
  'VbScript:msgbox(1)',
  'blob:https://app.example/6f1c2a34',
  'file:///etc/passwd',
  'FILE:///etc/passwd',
  'about:blank'
]

/** What the configuration takes of a client's URIs, and what names of RFC 7591 and OIDC it does not take at all. */
const PAGES = ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri', 'launch_url']
const UNKNOWN = ['post_logout_redirect_uris', 'initiate_login_uri', 'sector_identifier_uri', 'backchannel_logout_uri']

const problemsOf = (member: string, value: unknown) => problemsWith([...APP, member], value)

describe('case 15: in the configuration of a client', () => {
  describe.each(FORBIDDEN)('%j', (uri) => {
    test.each(PAGES)('is refused as %s', (member) => {
      expect(problemsOf(member, uri)).toEqual([expect.stringContaining(`clients[1].${member}: must be`)])
    })

    test.each(['web', 'native'])('is refused as redirect URI of a %s app', (application_type) => {
      const client = { client_id: 'a', client_name: 'A', token_endpoint_auth_method: 'none', application_type }
      const problems = problemsWith(APP, { ...client, redirect_uris: [uri] })
      expect(problems).toEqual([expect.stringContaining('clients[1].redirect_uris[0]: must')])
    })

    test('is refused as the address of its keys', () => {
      const client = { client_id: 'a', client_name: 'A', token_endpoint_auth_method: 'private_key_jwt', grant_types: [] }
      const problems = problemsWith(APP, { ...client, jwks_uri: uri })
      expect(problems).toEqual([expect.stringContaining('clients[1].jwks_uri: must be')])
    })

    test('is refused as one redirect URI among good ones', () => {
      const problems = problemsOf('redirect_uris', ['https://app.example/cb', uri])
      expect(problems).toEqual([expect.stringContaining('clients[1].redirect_uris[1]: must')])
    })

    test.each(UNKNOWN)('is refused as %s, which is no setting', (member) => {
      expect(problemsOf(member, uri)).toEqual([expect.stringContaining(member)])
    })
  })

  test.each(PAGES)('an https address is good as %s', (member) => {
    expect(problemsOf(member, 'https://app.example/page')).toEqual([])
  })
})

describe('case 16: in the configuration of a client', () => {
  test.each([
    'http://localhost.evil/cb',
    'http://127.0.0.1.evil/cb',
    'http://127.0.0.1@evil.example/cb',
    'http://localhost@evil.example/cb',
    'http://app.example/cb',
    'http://0.0.0.0/cb',
    'http://127.0.0.2/cb',
    'http://10.0.0.1/cb',
    'http://[::2]/cb',
    'http://user@localhost/cb',
    'http://localhost:9002/cb#x',
    'http://localhost:*/cb'
  ])('%s is refused as redirect URI', (uri) => {
    expect(problemsOf('redirect_uris', [uri])).toEqual([expect.stringContaining('clients[1].redirect_uris[0]: must')])
  })

  test.each(['http://localhost:9002/cb', 'http://127.0.0.1/cb', 'http://[::1]/cb', 'https://app.example/cb'])(
    '%s is good as redirect URI',
    (uri) => {
      expect(problemsOf('redirect_uris', [uri])).toEqual([])
    }
  )

  test.each(['https://localhost/cb', 'https://127.0.0.1:8443/cb'])('%s is refused for a native app', (uri) => {
    const client = { client_id: 'a', client_name: 'A', token_endpoint_auth_method: 'none', application_type: 'native' }
    const problems = problemsWith(APP, { ...client, redirect_uris: [uri] })
    expect(problems).toEqual([expect.stringContaining('clients[1].redirect_uris[0]: must be http')])
  })
})

test('contacts of a client are mail addresses, as the engine asks for', () => {
  expect(problemsOf('contacts', ['team@app.example', 'Jo of the team'])).toEqual([
    'clients[1].contacts[1]: must be a mail address, but is "Jo of the team"'
  ])
})
