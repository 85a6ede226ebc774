/** Client authentication at the token endpoint: what is malformed is refused, and no refusal says which clients there are. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newClientKey, newService, type Service, serviceConfig } from '../harness/backend-client.ts'
import { SECRETS } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'

const key = newClientKey('ES384')
type Body = string | URLSearchParams | Uint8Array<ArrayBuffer>

const FORM = 'application/x-www-form-urlencoded'
const REFRESH = 'grant_type=refresh_token&refresh_token=kw_rt_x'
const right = Buffer.from(`lab-app:${SECRETS['lab-app']}`).toString('base64')

describe.each(STORES)('client authentication on %s', (store) => {
  let keyward: Keyward
  let service: Service
  beforeAll(async () => {
    keyward = await startKeyward({
      store,
      change: (config) => ({ ...config, clients: [...config.clients, serviceConfig('service', key)] })
    })
    service = newService(keyward.issuer, 'service', key)
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward?.stop())

  async function post(body: Body, headers: Record<string, string>) {
    const response = await fetch(`${keyward.issuer}/token`, { method: 'POST', body, headers })
    return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
  }
  const basic = (credentials: string) => ({ 'Content-Type': FORM, Authorization: `Basic ${credentials}` })

  test('SM-119: SM-121: the right secret gets as far as the grant, a wrong one to 401 with the scheme that is wanted', async () => {
    expect(await post(REFRESH, basic(right))).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    const wrong = await post(REFRESH, basic(btoa('lab-app:wrong')))
    expect(wrong).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic realm=/)
  })

  test('case 41: unknown client, wrong secret, no secret and another method are answered with the same bytes', async () => {
    const answers = await Promise.all([
      post(REFRESH, basic(btoa('lab-app:wrong'))),
      post(REFRESH, basic(btoa('nobody:wrong'))),
      post(REFRESH, basic(btoa('heart-app:wrong'))),
      post(REFRESH, basic(btoa('service:wrong'))),
      post(`${REFRESH}&client_id=lab-app`, { 'Content-Type': FORM }),
      post(`${REFRESH}&client_id=nobody`, { 'Content-Type': FORM }),
      post(`${REFRESH}&client_id=lab-app&client_secret=wrong`, { 'Content-Type': FORM })
    ])
    const told = answers.map(({ status, body }) => JSON.stringify({ status, ...body, request_id: undefined }))
    expect(new Set(told).size).toBe(1)
    expect(answers[0]).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })

  test('SM-120: the secret in the body is no method here, right as it is', async () => {
    const body = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: 'x',
      client_id: 'lab-app',
      client_secret: SECRETS['lab-app']
    })
    expect(await post(body, {})).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })

  test.each<[string, () => Body, Record<string, string>]>([
    ['JSON', () => JSON.stringify({ grant_type: 'refresh_token', refresh_token: 'x' }), { 'Content-Type': 'application/json' }],
    ['JSON that says it is a form', () => JSON.stringify({ grant_type: 'refresh_token' }), { 'Content-Type': FORM }],
    ['multipart', () => multipart(), { 'Content-Type': 'multipart/form-data; boundary=x' }],
    ['text', () => REFRESH, { 'Content-Type': 'text/plain' }],
    ['broken percent-encoding', () => `${REFRESH}%`, { 'Content-Type': FORM }],
    ['percent-encoding that is no UTF-8', () => `${REFRESH}%ff%fe`, { 'Content-Type': FORM }],
    ['a NUL', () => `${REFRESH}%00`, { 'Content-Type': FORM }],
    ['UTF-16', () => new Uint8Array(Buffer.from(REFRESH, 'utf16le')), { 'Content-Type': `${FORM}; charset=utf-16` }],
    ['a charset that there is not', () => REFRESH, { 'Content-Type': `${FORM}; charset=nonsense` }],
    ['nothing', () => '', { 'Content-Type': FORM }],
    ['a media type that is none', () => REFRESH, { 'Content-Type': ';;;' }]
  ])('case 42: a body of %s is a refusal, and never a fault', async (_what, body, headers) => {
    for (const authorization of [undefined, `Basic ${right}`]) {
      const { status, body: told } = await post(body(), {
        ...headers,
        ...(authorization ? { Authorization: authorization } : {})
      })
      expect([400, 401, 415]).toContain(status)
      expect(told).toMatchObject({ error: expect.stringMatching(/^invalid_|^unsupported_/) })
    }
  })

  test.each([
    'Basic',
    'Basic ',
    'Basic !!!!',
    `Basic ${right}!`,
    `Basic ${right.replace(/=+$/, '')}=====`,
    `Basic ${right} ${right}`,
    `Basic ${btoa('lab-app')}`,
    `Basic ${btoa(':')}`,
    `Basic ${Buffer.from([0xff, 0x3a, 0xfe]).toString('base64')}`,
    `Basic ${btoa('%zz:%zz')}`,
    `Digest username="lab-app"`,
    `Bearer ${right}`,
    'x'
  ])('case 42: the header %j authenticates nobody', async (Authorization) => {
    const answer = await post(REFRESH, { 'Content-Type': FORM, Authorization })
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })

  test('case 44: the wrong client id for the right assertion, and the right one for another grant type', async () => {
    expect(await service.token({ client_id: 'heart-app' })).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    expect(await service.token({ grant_type: 'wrong' })).toMatchObject({ status: 400, body: { error: 'unsupported_grant_type' } })
  })

  test('the audit trail says which refusal it was, and for which client', async () => {
    const before = (await keyward.auditEvents('token')).length
    await post(REFRESH, basic(btoa('lab-app:wrong')))
    await post(REFRESH, basic(btoa('nobody:wrong')))
    await post(`${REFRESH}&client_id=service`, { 'Content-Type': FORM })
    const [wrong, unknown, none] = (await keyward.auditEvents('token')).slice(before)
    expect(wrong).toMatchObject({ outcome: 'refused', reason: 'invalid_client: wrong-secret', clientId: 'lab-app' })
    expect(unknown).toMatchObject({ outcome: 'refused', reason: 'invalid_client: unknown-client' })
    expect(unknown).not.toHaveProperty('clientId')
    expect(none).toMatchObject({ outcome: 'refused', reason: 'invalid_client: no-authentication', clientId: 'service' })
  })
})

function multipart(): string {
  return '--x\r\ncontent-disposition: form-data; name="grant_type"\r\n\r\nrefresh_token\r\n--x--\r\n'
}
