/**
 * No secret leaves a trace: after whole visits, right and wrong ones, the log, the audit trail and the bytes of the store are
 * searched for every password, code, token, key and cookie that was used, in each form in which they could be written. The
 * search is first seen to find what is planted.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorize, basic, introspect, newApp, totpCode } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { PASSWORD, SECRETS, TOTP } from '../harness/clinic-config.ts'
import { ehrBearer } from '../harness/ehr.ts'
import { STORES, type StoreName, storeOf } from '../harness/keyward.ts'
import { type KeywardProcess, startProcess } from '../harness/keyward-process.ts'
import { newWalk } from '../harness/walk.ts'

interface Places {
  log: string
  audit: string
  store: string
}

/** As it is, and as encodings write it. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const encoded = [
    bytes.toString('hex'),
    bytes.toString('base64').replace(/.{0,2}=*$/, ''),
    bytes.toString('base64url').slice(0, -2),
    encodeURIComponent(secret),
    new URLSearchParams({ s: secret }).toString().slice(2),
    JSON.stringify(secret).slice(1, -1)
  ]
  return [...new Set([secret, ...encoded])].filter((form) => form.length > 7)
}

function found(places: Places, secrets: ReadonlyMap<string, string>): string[] {
  return [...secrets].flatMap(([name, secret]) =>
    formsOf(secret).flatMap((form) =>
      Object.entries(places).flatMap(([place, text]) => (text.includes(form) ? [`${name} in ${place}`] : []))
    )
  )
}

describe('the search finds', () => {
  const secret = 'a+canary/with:signs & "quotes"'
  test.each(formsOf(secret))('what is planted as %s', (form) => {
    for (const place of ['log', 'audit', 'store'] as const) {
      const places = { log: 'x', audit: 'x', store: 'x', [place]: `before ${form} after` }
      expect(found(places, new Map([['canary', secret]]))).toContain(`canary in ${place}`)
    }
  })
})

describe.each(STORES)('no secret leaves a trace, on %s', (store) => {
  let keyward: KeywardProcess
  let places: Places
  const secrets = new Map<string, string>()
  beforeAll(async () => {
    keyward = await startProcess({ store, change: (yaml) => `${yaml}log: { level: debug }\n` })
    expect(await storeOf(keyward.issuer)).toBe(store)
    await visits(keyward, secrets)
    const log = (): string => keyward.log().join('\n')
    const answered = await keyward.terminate()
    const audit = (await keyward.cli('audit', 'export')).stdout
    places = { log: `${log()}\n${answered.stderr}`, audit, store: await bytesOf(keyward, store) }
  })
  afterAll(() => keyward.stop())

  test('what is searched is there: a log, a trail and records', () => {
    expect(places.log.split('\n').length).toBeGreaterThan(40)
    expect(places.audit).toContain('"type":"token"')
    expect(places.audit.split('\n').length).toBeGreaterThan(12)
    expect(places.store.length).toBeGreaterThan(10_000)
    expect(places.store).toContain('AccessToken')
    expect(secrets.size).toBeGreaterThan(20)
    for (const [name, secret] of secrets) expect([name, secret.length > 5]).toEqual([name, true])
  })

  test('none of the secrets is in log, audit trail or store', () => {
    expect(found(places, secrets)).toEqual([])
  })

  test('no id that opens something, and no name of a person, lies open in the store', () => {
    for (const open of ['maria', 'Maria Diaz', 'Leo Diaz', 'heart-app', 'Patient/maria', 'JBSWY3DP'])
      expect([open, places.store.includes(open)]).toEqual([open, false])
  })

  test('a token that somebody puts into an address or a header is not logged', () => {
    expect(places.log).not.toMatch(/kw_(at|rt|ac)_/)
  })
})

/** Everything that people and programs do, wrong first and then right; each secret is noted. */
async function visits({ issuer }: KeywardProcess, secrets: Map<string, string>): Promise<void> {
  const app = newApp(issuer)
  const walk = newWalk(issuer)
  const note = (name: string, secret: string | undefined): void => void secrets.set(name, secret ?? '')
  note('password', PASSWORD)
  note('wrong password', 'not-my-pass-word-2207')
  note('TOTP key of maria', TOTP.maria)
  note('TOTP key of dr.lee', TOTP['dr.lee'])
  for (const [client, secret] of Object.entries(SECRETS)) note(`secret of ${client}`, secret)
  note('wrong client secret', 'wrong-secret-of-lab-app-4711')

  await walk.start({ state: 'state-canary-81723', nonce: 'nonce-canary-55100' })
  note('uid of the interaction', /interaction\/([^/]+)/.exec(walk.browser.page.url)?.[1])
  await walk.send({ username: 'maria', password: 'not-my-pass-word-2207' })
  await walk.send({ username: 'maria', password: PASSWORD })
  await walk.send({ code: '000000' })
  // In quotes, as a member of a record would have it: six digits alone stand in many a hash.
  note('one-time code', `"${await totpCode('maria')}"`)
  await walk.send({ code: await totpCode('maria') })
  note('CSRF token', walk.browser.form().hidden.csrf)
  await walk.send({ patient: 'leo' })
  const callback = await walk.browser.submit({ decision: 'allow' })
  const code = walk.app.codeFrom(callback)
  note('code', code)
  note('code verifier', walk.app.verifier)
  note('code challenge', createHash('sha256').update(walk.app.verifier).digest('base64url'))

  const first = await walk.app.redeem(code)
  note('access token', first.body.access_token)
  note('refresh token', first.body.refresh_token)
  note('id_token', first.body.id_token)
  const second = await walk.app.refresh(first.body.refresh_token ?? '')
  note('second access token', second.body.access_token)
  note('second refresh token', second.body.refresh_token)
  await introspect(issuer, second.body.access_token ?? '')
  // In places where they must not be sent, and are.
  await fetch(`${issuer}/token?refresh_token=${second.body.refresh_token}&client_secret=wrong-secret-of-lab-app-4711`)
  await fetch(`${issuer}/nothing/${second.body.access_token}`, {
    headers: { Authorization: `Bearer ${second.body.access_token}` }
  })
  await fetch(`${issuer}/authorize?client_id=heart-app&code=${code}&password=${encodeURIComponent(PASSWORD)}`)
  await app.post(
    '/token',
    { grant_type: 'refresh_token', refresh_token: 'x' },
    { Authorization: basic('lab-app', 'wrong-secret-of-lab-app-4711') }
  )
  await app.post(
    '/introspect',
    { token: second.body.access_token },
    { Authorization: basic('clinic-fhir', 'wrong-secret-of-lab-app-4711') }
  )

  const launched = await fetch(`${issuer}/launch`, {
    method: 'POST',
    headers: { Authorization: await ehrBearer(issuer), 'Content-Type': 'application/json' },
    body: JSON.stringify({ client_id: 'heart-app', fhirServer: 'clinic', patient: 'maria' })
  })
  const handle: unknown = Reflect.get(Object(await launched.json()), 'launch')
  note('launch handle', String(handle))
  const lab = newApp(issuer, { clientId: 'lab-app', redirectUri: 'https://lab.example/cb', secret: SECRETS['lab-app'] })
  const doctor = newBrowser(issuer)
  const scope = 'openid fhirUser launch offline_access patient/Patient.rs'
  const toLab = await authorize(doctor, lab.authorizationUrl({ scope, launch: String(handle) }), { username: 'dr.lee' })
  if (new URL(toLab.url).searchParams.has('code'))
    note('token of the lab app', (await lab.redeem(lab.codeFrom(toLab))).body.access_token)
  await walk.app.refresh(first.body.refresh_token ?? '')
  for (const { name, value } of [...walk.browser.cookies, ...doctor.cookies]) if (value.length > 5) note(`cookie ${name}`, value)
}

async function bytesOf({ folder, redis }: KeywardProcess, store: StoreName): Promise<string> {
  if (store === 'sqlite') {
    const files = readdirSync(folder).filter((name) => name.startsWith('keyward.db'))
    return files.map((name) => readFileSync(join(folder, name)).toString('latin1')).join('\n')
  }
  const parts: string[] = []
  for (const url of redis?.nodes ?? []) {
    const client = new Redis(url)
    for (const key of await client.keys('*')) {
      const isSet = (await client.type(key)) === 'zset'
      parts.push(
        key,
        isSet ? (await client.zrange(key, '0', '-1')).join(' ') : ((await client.getBuffer(key))?.toString('latin1') ?? '')
      )
    }
    client.disconnect()
  }
  return parts.join('\n')
}
