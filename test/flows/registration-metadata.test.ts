/** What an app may say of itself when it registers, and what is refused or not taken from it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClients } from '../../src/clients/clients.ts'
import { newApp } from '../harness/app-client.ts'
import { newClientKey } from '../harness/backend-client.ts'
import { startJwksServer } from '../harness/jwks-server.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import {
  APP,
  ask,
  idOf,
  invitation,
  type RegistrationAnswer,
  register,
  tokenOf,
  uriOf,
  withRegistration
} from '../harness/registering.ts'

describe.each(STORES)('what apps register on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withRegistration })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward?.stop())

  const registered = async (metadata: unknown = APP): Promise<RegistrationAnswer> => {
    const answer = await register(keyward, metadata)
    expect(answer).toMatchObject({ status: 201 })
    return answer
  }

  const dangerous = ['javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'data:text/html,x', 'vbscript:x', 'blob:https://x.example/y']
  const plain = ['file:///etc/passwd', 'http://app.example/x', 'gopher://app.example/x']
  test.each([...dangerous, ...plain])('case 15, case 85: %s is refused wherever an address is registered', async (uri) => {
    const members = ['logo_uri', 'tos_uri', 'policy_uri', 'client_uri', 'initiate_login_uri', 'jwks_uri', 'launch_url']
    const token = await invitation(keyward)
    const url = `${keyward.issuer}/register`
    const native = { ...APP, application_type: 'native', redirect_uris: [uri] }
    expect(await ask('POST', url, { token, body: native })).toMatchObject({
      status: 400,
      body: { error: 'invalid_redirect_uri' }
    })
    for (const body of [
      ...members.map((name) => ({ ...APP, [name]: uri })),
      { ...APP, post_logout_redirect_uris: [uri] },
      { ...APP, launch_urls: [uri] }
    ])
      expect(await ask('POST', url, { token, body })).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } })
  })

  const internal = [
    '127.0.0.1',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '0x7f000001',
    '2130706433',
    '0177.0.0.1'
  ]
  const internal6 = ['[::1]', '[::ffff:127.0.0.1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', 'localhost']
  test.each([...internal, ...internal6])('case 82: an address at %s is refused at registration', async (host) => {
    const token = await invitation(keyward)
    for (const name of ['jwks_uri', 'logo_uri', 'sector_identifier_uri', 'backchannel_logout_uri', 'request_uris']) {
      const uri = `https://${host}/x`
      const body = { ...APP, token_endpoint_auth_method: 'private_key_jwt', [name]: name.endsWith('s') ? [uri] : uri }
      expect(await ask('POST', `${keyward.issuer}/register`, { token, body })).toMatchObject({
        status: 400,
        body: { error: 'invalid_client_metadata', error_description: `${name} must be at a public address` }
      })
    }
  })

  test('case 82: a client_id that is an address is nobody, and nothing is fetched from it', async () => {
    const host = await startJwksServer()
    const app = newApp(keyward.issuer, { clientId: host.uri, redirectUri: 'https://sleep.example/cb' })
    const answer = await fetch(app.authorizationUrl(), { redirect: 'manual' })
    expect({ status: answer.status, location: answer.headers.get('location') }).toEqual({ status: 400, location: null })
    expect(host.requests).toEqual([])
    await host.stop()
  })

  test.each([
    ['http at a loopback address for a web app', { redirect_uris: ['http://127.0.0.1/cb'] }],
    ['a private-use scheme for a web app', { redirect_uris: ['com.example.app:/cb'] }],
    ['case 16: http elsewhere', { application_type: 'native', redirect_uris: ['http://sleep.example/cb'] }],
    ['case 16: a name like localhost', { application_type: 'native', redirect_uris: ['http://localhost.evil.example/cb'] }],
    ['case 16: a name like an address', { application_type: 'native', redirect_uris: ['http://127.0.0.1.evil.example/cb'] }],
    ['a wildcard', { redirect_uris: ['https://*.sleep.example/cb'] }],
    ['a fragment', { redirect_uris: ['https://sleep.example/cb#x'] }],
    ['none', { redirect_uris: [] }]
  ])('SM-066: redirect URIs are fixed and fully specified, and https: %s is refused', async (_what, changes) => {
    const answer = await register(keyward, { ...APP, ...changes })
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_redirect_uri' } })
  })

  test('SM-066: a native app has loopback addresses and schemes of its own', async () => {
    await registered({ ...APP, application_type: 'native', redirect_uris: ['http://127.0.0.1/cb', 'com.example.app:/cb'] })
  })

  test('SM-067, SM-069: keys are registered inline or by URL, not both, public ones only and each kid once', async () => {
    const { jwk, privateKey } = newClientKey('ES384')
    const other = newClientKey('RS384')
    const asymmetric = { ...APP, token_endpoint_auth_method: 'private_key_jwt' }
    const jwks_uri = 'https://sleep.example/jwks'
    await registered({ ...asymmetric, jwks: { keys: [jwk, other.jwk] } })
    await registered({ ...asymmetric, jwks_uri })
    for (const changes of [
      {},
      { jwks: { keys: [jwk] }, jwks_uri },
      { jwks: { keys: [jwk, { ...other.jwk, kid: jwk.kid }] } },
      { jwks: { keys: [{ ...jwk, kid: undefined }] } },
      { jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'private' }] } },
      { jwks: { keys: [] } }
    ])
      expect(await register(keyward, { ...asymmetric, ...changes })).toMatchObject({
        status: 400,
        body: { error: 'invalid_client_metadata' }
      })
  })

  test('SM-067: jwks are no use to a client that authenticates otherwise', async () => {
    const answer = await register(keyward, { ...APP, jwks: { keys: [newClientKey('ES384').jwk] } })
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } })
  })

  const privileges = {
    verified: true,
    approved_for_clinicians: true,
    launch_contexts: ['clinic'],
    launch_apps: ['heart-app'],
    fhir_servers: ['clinic'],
    sandbox: false,
    disabled: false,
    trusted: true,
    skip_consent: true,
    client_id: 'clinic-ehr',
    client_secret: 'a-secret-of-my-own-a-secret-of-my-own',
    smart_scope: 'system/*.rs',
    keptUntil: 9e15
  }

  test('case 87, case 43: what only an operator gives is not taken from an app, nor is its client_id', async () => {
    const body = JSON.stringify({ ...APP, ...privileges }).replace(/}$/, ',"__proto__":{"verified":true,"disabled":true}}')
    const answer = await registered(body)
    const client = await createClients({ configured: [], issuer: keyward.issuer, store: keyward.store }).find(idOf(answer))
    expect(client).toMatchObject({
      client_id: expect.stringMatching(/^app-/),
      verified: false,
      approved_for_clinicians: false,
      launch_contexts: [],
      fhir_servers: [],
      sandbox: true,
      disabled: false,
      smart_scope: APP.scope
    })
    expect(client).not.toHaveProperty('launch_apps')
    expect(client).not.toHaveProperty('skip_consent')
    expect(Object.getPrototypeOf(client)).toBe(Object.prototype)
    const changed = await ask('PUT', uriOf(answer), {
      token: tokenOf(answer),
      body: { ...APP, ...privileges, client_id: idOf(answer) }
    })
    expect(changed).toMatchObject({ status: 200, body: { client_id: idOf(answer), scope: APP.scope } })
    const after = await createClients({ configured: [], issuer: keyward.issuer, store: keyward.store }).find(idOf(answer))
    expect(after).toMatchObject({ verified: false, sandbox: true, fhir_servers: [], launch_contexts: [] })
  })

  test.each([
    ['system/ scopes', { scope: 'system/*.rs' }],
    ["scopes of Keyward's own API", { scope: 'openid __launch_context' }],
    ['scopes that look like its own', { scope: 'openid __proto__' }],
    ['client_credentials', { grant_types: ['client_credentials'] }],
    ['the implicit grant', { grant_types: ['implicit'], response_types: ['token'] }],
    ['another way to authenticate', { token_endpoint_auth_method: 'client_secret_post' }]
  ])('case 87: %s are refused', async (_what, changes) => {
    const answer = await register(keyward, { ...APP, ...changes })
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } })
  })

  test.each([
    ['1000 redirect URIs', { redirect_uris: Array.from({ length: 1000 }, (_, at) => `https://s.example/${at}`) }],
    ['a long name', { client_name: 'n'.repeat(101) }],
    ['a name that turns around', { client_name: 'Sleep \u202eyraiD' }],
    ['no name', { client_name: undefined }],
    ['a long URI', { redirect_uris: [`https://s.example/${'a'.repeat(3000)}`] }],
    ['a reason for a scope that is not asked for', { scope_reasons: { 'patient/*.rs': 'because' } }],
    ['a reason that turns around', { scope_reasons: { openid: 'who you are \u202e' } }],
    ['a reason of two lines', { scope_reasons: { openid: 'who\nyou are' } }],
    ['a reason under a heap of marks', { scope_reasons: { openid: `w${'\u0301'.repeat(8)}ho` } }],
    ['a long reason', { scope_reasons: { openid: 'y'.repeat(201) } }],
    ['an empty reason', { scope_reasons: { openid: ' ' } }],
    ['a reason that is no text', { scope_reasons: { openid: ['why'] } }],
    ['reasons that are no object', { scope_reasons: ['why'] }],
    ['an answer that is none of them', { privacy_answers: { sells: 'never' } }],
    ['an answer to another question', { privacy_answers: { is_safe: 'yes' } }],
    ['answers that are no object', { privacy_answers: 'no' }],
    ['deep nesting', { jwks: { keys: [{ kid: 'a', a: { b: { c: { d: {} } } } }] } }],
    ['text for a list', { redirect_uris: 'https://sleep.example/cb' }]
  ])('case 89: %s: 400', async (_what, changes) => {
    expect(await register(keyward, { ...APP, ...changes })).toMatchObject({ status: 400 })
  })

  test.each([
    ['an escape sequence', '\u001b[2K\u001b[1A'],
    ['a line of its own', '\n  hosts: good.example'],
    ['another direction', '\u202e'],
    ['a space', ' good.example'],
    ['letters that look alike', 'р\u0430y']
  ])('case 89: an address with %s, which its operator would be shown, is refused', async (_what, shown) => {
    const address = `https://sleep.example/${shown}`
    for (const changes of [
      { client_uri: address },
      { policy_uri: address },
      { launch_urls: ['https://sleep.example/launch', address] },
      { redirect_uris: ['https://sleep.example/cb', address] },
      { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: address }
    ])
      expect(await register(keyward, { ...APP, ...changes })).toMatchObject({
        status: 400,
        body: {
          error: 'redirect_uris' in changes ? 'invalid_redirect_uri' : 'invalid_client_metadata',
          error_description: `${Object.keys(changes).at(-1)} must be written in ASCII, without spaces and controls`
        }
      })
  })

  test('case 89: a name of 100 KB is refused before it is read', async () => {
    const token = await invitation(keyward)
    const answer = await ask('POST', `${keyward.issuer}/register`, { token, body: { ...APP, client_name: 'n'.repeat(100_000) } })
    expect(answer.status).toBe(413)
  })
})
