import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClients } from '../../src/clients/clients.ts'
import type { Config } from '../../src/config/config.ts'
import { type AppClient, authorize, introspect, newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { APP_REDIRECT, FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { allowedBrowser, CLINICIAN_SCOPE, expectErrorAt, paramsOf, recordsOf, refused } from '../harness/refusals.ts'

const SMALL_REDIRECT = 'http://127.0.0.1/cb'

/** Registered for the small app as well: what it may have as itself is nothing that a person may be asked for. */
function withSystemScopes(config: Config): Config {
  const clients = config.clients.map((client) =>
    client.client_id === 'small-app' ? { ...client, smart_scope: `${client.smart_scope} system/*.cruds` } : client
  )
  return { ...config, clients }
}

describe.each(STORES)('aud and scope on %s', (store) => {
  let keyward: Keyward
  let heart: AppClient
  let small: AppClient
  let browser: Browser
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withSystemScopes })
    expect(await storeOf(keyward.issuer)).toBe(store)
    heart = newApp(keyward.issuer)
    small = newApp(keyward.issuer, { clientId: 'small-app', redirectUri: SMALL_REDIRECT })
    browser = await allowedBrowser(keyward, heart)
  })
  afterAll(() => keyward.stop())

  describe('aud', () => {
    test.each([FHIR_BASE, `${FHIR_BASE}/`])(
      'case 4: SM-086: %s is the FHIR server, and the token says its base URL',
      async (aud) => {
        const response = await browser.send(heart.authorizationUrl({ scope: CLINICIAN_SCOPE, aud }))
        const { code = '' } = paramsOf(response.headers.get('Location') ?? '')
        const { body } = await heart.redeem(code)
        expect((await introspect(keyward.issuer, body.access_token ?? '')).body).toMatchObject({ active: true, aud: FHIR_BASE })
      }
    )

    test.each<[string, string | undefined]>([
      ['no aud', undefined],
      ['an empty aud', ''],
      ['another FHIR server', 'https://fhir.evil.example/r4'],
      ['a prefix of the path', FHIR_BASE.slice(0, -1)],
      ['the host alone', new URL(FHIR_BASE).origin],
      ['a longer path', `${FHIR_BASE}/r4`],
      ['a path that begins like it', `${FHIR_BASE}2`],
      ['a resource below it', `${FHIR_BASE}/Patient/leo`],
      ['two trailing slashes', `${FHIR_BASE}//`],
      ['a query', `${FHIR_BASE}?x=1`],
      ['a fragment', `${FHIR_BASE}#x`],
      ['a dot segment', `${FHIR_BASE}/../fhir`],
      ['upper case', FHIR_BASE.toUpperCase()],
      ['another scheme', FHIR_BASE.replace('http:', 'https:')],
      ['another port', FHIR_BASE.replace('9001', '9009')],
      ['a user name', FHIR_BASE.replace('http://', 'http://user@')],
      ['a space after it', `${FHIR_BASE} `],
      ['two servers', `${FHIR_BASE} http://localhost:9011/fhir`],
      ['the authorization server', 'http://localhost:9000']
    ])('case 4: SM-086, SM-088: %s is refused', async (_what, aud) => {
      const url = heart.authorizationUrl({ scope: CLINICIAN_SCOPE, aud })
      expectErrorAt(await refused(keyward, url, { browser, clientId: 'heart-app' }), APP_REDIRECT, 'invalid_request')
    })

    test('case 4: the FHIR server at which a person is not known gives the app nothing', async () => {
      const url = heart.authorizationUrl({ scope: CLINICIAN_SCOPE, aud: 'http://localhost:9011/fhir' })
      const { done: page, records } = await recordsOf(keyward, () => browser.open(url))
      expect(new URL(page.url).origin).toBe(keyward.issuer)
      expect(page.step).toBe('patient')
      expect(records.filter(({ event }) => event.type === 'authorization')).toEqual([])
    })
  })

  describe('resource, beside aud', () => {
    const withResources = (...resources: string[]) =>
      [
        heart.authorizationUrl({ scope: CLINICIAN_SCOPE }),
        ...resources.map((one) => new URLSearchParams({ resource: one }))
      ].join('&')

    test.each([[[FHIR_BASE]], [[FHIR_BASE, FHIR_BASE]]])(
      'SM-087: %j, which is the same server, gives a code',
      async (resources) => {
        const response = await browser.send(withResources(...resources))
        expect(paramsOf(response.headers.get('Location') ?? '')).toHaveProperty('code')
      }
    )

    // RFC 8707 §2
    test.each([
      [['http://localhost:9011/fhir']],
      [[FHIR_BASE, 'http://localhost:9011/fhir']],
      [['https://evil.example/fhir']],
      [['not an address']],
      [[`${FHIR_BASE}#x`]]
    ])('SM-087: %j, which is another, is an invalid target', async (resources) => {
      const answer = await refused(keyward, withResources(...resources), { browser, clientId: 'heart-app' })
      expectErrorAt(answer, APP_REDIRECT, 'invalid_target')
    })
  })

  test.each<[string, Record<string, string>]>([
    ['without the scope launch', { scope: CLINICIAN_SCOPE }],
    ['that nobody made', { scope: `${CLINICIAN_SCOPE} launch` }]
  ])('SM-089: a launch %s is an invalid request', async (_what, params) => {
    const url = heart.authorizationUrl({ ...params, launch: 'no-such-launch' })
    expectErrorAt(await refused(keyward, url, { browser, clientId: 'heart-app' }), APP_REDIRECT, 'invalid_request')
  })

  test('an app that is switched off gets nothing, until it is switched on again', async () => {
    const clients = createClients({ configured: keyward.config.clients, issuer: keyward.issuer, store: keyward.store })
    await clients.setDisabled('heart-app', true)
    const url = heart.authorizationUrl({ scope: CLINICIAN_SCOPE })
    expectErrorAt(await refused(keyward, url, { browser, clientId: 'heart-app' }), APP_REDIRECT, 'unauthorized_client')
    await clients.setDisabled('heart-app', false)
    expect(paramsOf((await browser.send(url)).headers.get('Location') ?? '')).toHaveProperty('code')
  })

  describe('scope', () => {
    test.each<[string, string | undefined]>([
      ['none', undefined],
      ['an empty one', ''],
      ['one of another kind of data than registered', 'patient/Condition.rs'],
      ['one of more verbs than registered', 'patient/Observation.cruds'],
      ['one verb more than registered', 'patient/Patient.rs'],
      ['everything', 'patient/*.*'],
      ['everything in version 2', 'patient/*.cruds'],
      ['all data of a kind by user', 'user/Observation.rs'],
      ['a system scope', 'system/*.rs'],
      ['a system scope for what is registered', 'system/Observation.rs'],
      ['offline_access, for an app without refresh tokens', 'offline_access'],
      ['one that is unknown', 'admin'],
      ['one in other letters', 'OPENID Patient/Observation.rs'],
      ['a quote', 'openid "'],
      ['a quote within one', 'openid patient/"Observation.rs'],
      ['a backslash', 'openid patient\\Observation.rs'],
      ['CRLF', 'openid\r\npatient/Observation.rs'],
      ['a header by CRLF', 'openid\r\nSet-Cookie: a=b'],
      ['a line feed', 'openid\npatient/Observation.rs'],
      ['a tab', 'openid\tpatient/Observation.rs'],
      ['a NUL', 'openid\0'],
      ['a letter that is not ASCII', 'openid pati\u00e9nt/Observation.rs'],
      ['two spaces', 'openid  patient/Observation.rs']
    ])('case 6: SM-084: %s is an invalid scope', async (_what, scope) => {
      const answer = await refused(keyward, small.authorizationUrl({ scope }), { browser, clientId: 'small-app' })
      expectErrorAt(answer, SMALL_REDIRECT, 'invalid_scope')
    })

    test.each(['system/*.rs', 'system/Patient.rs', 'system/*.cruds', 'system/*.*', 'system/Observation.read'])(
      'case 6: %s is an invalid scope for an app that may have everything of a patient and of a user',
      async (scope) => {
        const answer = await refused(keyward, heart.authorizationUrl({ scope }), { browser, clientId: 'heart-app' })
        expectErrorAt(answer, APP_REDIRECT, 'invalid_scope')
      }
    )

    test('case 6: SM-203, SM-205, SM-250: what is granted is what was asked for, registered and allowed; every answer says so', async () => {
      const excess =
        'patient/*.* patient/*.cruds system/*.rs user/Patient.r patient/Condition.rs patient/Observation.cruds offline_access launch'
      const scope = `openid fhirUser launch/patient patient/Observation.rs patient/Patient.r ${excess}`
      const maria = newBrowser(keyward.issuer)
      const callback = await authorize(maria, small.authorizationUrl({ scope }), { tick: (one) => one !== 'patient/Patient.r' })
      const { body } = await small.redeem(small.codeFrom(callback))
      const granted = body.scope?.split(' ') ?? []
      const registered = ['openid', 'fhirUser', 'launch/patient', 'patient/Observation.rs']
      // A kind of data may come back as its categories: each of them within the scope that was registered.
      expect(granted.filter((one) => !registered.includes(one.replace(/\?category=.*$/, '')))).toEqual([])
      expect(granted).toEqual(expect.arrayContaining(['openid', 'fhirUser', 'launch/patient']))
      expect(granted.some((one) => one.startsWith('patient/Observation.rs'))).toBe(true)
      expect(body.refresh_token).toBeUndefined()
      expect((await introspect(keyward.issuer, body.access_token ?? '')).body).toMatchObject({
        scope: body.scope,
        patient: 'leo'
      })
      const [event] = (await keyward.auditEvents('token')).slice(-1)
      expect(event).toMatchObject({ outcome: 'issued', clientId: 'small-app', patient: 'leo', scopes: granted })
    })
  })
})
