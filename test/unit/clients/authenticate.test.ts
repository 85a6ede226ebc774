/** Authentication by nothing and by HTTP Basic. By an assertion: assertions.test.ts. */
import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { createAssertions } from '../../../src/clients/assertions.ts'
import { type ClientAuthenticator, createClientAuthenticator } from '../../../src/clients/authenticate.ts'
import { createClientKeys } from '../../../src/clients/client-keys.ts'
import { type Clients, createClients } from '../../../src/clients/clients.ts'
import { createRemoteKeys } from '../../../src/clients/remote-keys.ts'
import { parseConfig } from '../../../src/config/read-config.ts'
import { createOutbound } from '../../../src/web/outbound.ts'
import { clinicYaml, SECRETS } from '../../harness/clinic-config.ts'
import { openOn } from '../../store/engine.ts'

const lab = SECRETS['lab-app']
const formEncoded = (text: string) => encodeURIComponent(text)
const basic = (text: string | Uint8Array) => `Basic ${Buffer.from(text).toString('base64')}`

describe('client authentication', () => {
  let clients: Clients
  let authenticator: ClientAuthenticator
  beforeAll(async () => {
    const { clients: configured, issuer } = parseConfig(clinicYaml({ port: 9000 }), { env: {}, baseDir: '.' })
    const store = await openOn('sqlite::memory:')
    clients = createClients({ configured, issuer, store })
    const assertions = createAssertions({
      issuer,
      find: clients.find,
      store,
      keys: createClientKeys({ remoteKeys: createRemoteKeys({ outbound: createOutbound({ now: Date.now }), now: Date.now }) }),
      fence: { notBefore: () => 0 },
      now: Date.now
    })
    authenticator = createClientAuthenticator({ clients, assertions })
  })
  const authenticate = (authorization: string | undefined, form: Record<string, string> = {}) =>
    authenticator.authenticate({ authorization, form })

  test('SM-118: a public client names itself', async () => {
    expect(await authenticate(undefined, { client_id: 'heart-app' })).toMatchObject({
      ok: true,
      client: { client_id: 'heart-app' },
      method: 'none'
    })
  })

  test.each([
    ['as they are', `lab-app:${lab}`],
    ['form-encoded', `${formEncoded('lab-app')}:${formEncoded(lab)}`],
    ['the name form-encoded and the secret too, in lower case', `lab%2dapp:${formEncoded(lab).toLowerCase()}`]
  ])('SM-119: Basic is understood with both parts %s', async (_how, text) => {
    const found = await authenticate(basic(text))
    expect(found).toMatchObject({ ok: true, client: { client_id: 'lab-app' }, method: 'client_secret_basic' })
  })

  test('SM-119: the scheme is written in any case, and the body may name the same client', async () => {
    const header = basic(`lab-app:${lab}`).replace('Basic', 'bAsIc')
    expect(await authenticate(header, { client_id: 'lab-app' })).toMatchObject({ ok: true })
  })

  const FAILED = { ok: false, status: 401, error: 'invalid_client', description: 'client authentication failed' }

  test.each<[string, string | undefined, Record<string, string>, string]>([
    ['a wrong secret', basic(`lab-app:${lab}x`), {}, 'wrong-secret'],
    ['an empty secret', basic('lab-app:'), {}, 'wrong-secret'],
    ["another client's secret", basic(`lab-app:${SECRETS['clinic-fhir']}`), {}, 'wrong-secret'],
    ['an unknown client', basic(`nobody:${lab}`), {}, 'unknown-client'],
    ['an unknown public client', undefined, { client_id: 'nobody' }, 'unknown-client'],
    ['SM-123: a confidential client without its secret', undefined, { client_id: 'lab-app' }, 'no-authentication'],
    ['SM-123: a public client with a secret', basic(`heart-app:${lab}`), {}, 'other-method-registered'],
    ['a public client with an empty secret', basic('heart-app:'), {}, 'other-method-registered'],
    ['SM-123: the secret in the body', undefined, { client_id: 'lab-app', client_secret: lab }, 'secret-in-body'],
    ['nothing', undefined, {}, 'no-authentication'],
    ['an empty client_id', undefined, { client_id: '' }, 'no-authentication'],
    ['another scheme', 'Bearer abc', {}, 'malformed-authorization-header'],
    ['case 42: base64 with a foreign character', `Basic ${btoa(`lab-app:${lab}`)}!`, {}, 'malformed-authorization-header'],
    [
      'case 42: base64 that is decoded only loosely',
      `Basic ${btoa('lab-app:ab').slice(0, -2)}9=`,
      {},
      'malformed-authorization-header'
    ],
    [
      'case 42: base64 without its padding',
      `Basic ${btoa('lab-app:ab').replace(/=+$/, '')}`,
      {},
      'malformed-authorization-header'
    ],
    ['case 42: bytes that are no UTF-8', basic(Buffer.from([0x61, 0x3a, 0xff, 0xfe])), {}, 'malformed-authorization-header'],
    ['no colon', basic('lab-app'), {}, 'malformed-authorization-header'],
    ['no name', basic(`:${lab}`), {}, 'malformed-authorization-header']
  ])('%s is refused as every failure is', async (_what, authorization, form, reason) => {
    const answer = await authenticate(authorization, form)
    expect(answer).toMatchObject({ ...FAILED, reason })
  })

  test('case 41: unknown client and wrong secret are answered alike, word for word', async () => {
    const said = async (header: string) => {
      const { reason: _reason, clientId: _clientId, ...answer } = { clientId: '', reason: '', ...(await authenticate(header)) }
      return answer
    }
    const wrong = await said(basic('lab-app:wrong'))
    expect(await said(basic('nobody:wrong'))).toEqual(wrong)
    expect(wrong).toEqual(FAILED)
  })

  test.each<[string, Record<string, string>]>([
    ['the same secret in the body', { client_secret: lab }],
    ['another secret in the body', { client_secret: randomBytes(8).toString('hex') }],
    ['an empty secret in the body', { client_secret: '' }],
    ['an assertion', { client_assertion: 'a.b.c' }],
    ['a type of assertion without one', { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }]
  ])('case 36: a right header beside %s is refused', async (_what, form) => {
    const answer = await authenticate(basic(`lab-app:${lab}`), form)
    expect(answer).toMatchObject({ ok: false, status: 400, error: 'invalid_request' })
  })

  test('case 36: a secret in the body beside an unsigned assertion is refused', async () => {
    const form = { client_id: 'lab-app', client_secret: lab, client_assertion: 'eyJhbGciOiJub25lIn0.e30.' }
    expect(await authenticate(undefined, form)).toMatchObject({ ok: false, status: 400, error: 'invalid_request' })
  })

  test('a body that names another client than the header is refused', async () => {
    const answer = await authenticate(basic(`lab-app:${lab}`), { client_id: 'heart-app' })
    expect(answer).toMatchObject({ ok: false, status: 400, error: 'invalid_request' })
  })

  test('a disabled client is refused whatever it shows, and works again once it is enabled', async () => {
    const attempts = [() => authenticate(basic(`lab-app:${lab}`)), () => authenticate(undefined, { client_id: 'heart-app' })]
    for (const id of ['lab-app', 'heart-app']) await clients.setDisabled(id, true)
    for (const attempt of attempts) expect(await attempt()).toMatchObject({ ...FAILED, reason: 'client-disabled' })
    for (const id of ['lab-app', 'heart-app']) await clients.setDisabled(id, false)
    for (const attempt of attempts) expect(await attempt()).toMatchObject({ ok: true })
  })
})
