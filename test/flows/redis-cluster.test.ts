/** What the other flows show on one Redis, on a Cluster of three: two servers on it, and what it is told on the way. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { verifyAudit } from '../../src/audit/verify.ts'
import { authorize, introspect, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, newSecrets, startKeyward, storeOf } from '../harness/keyward.ts'
import { type RedisCluster, startRedisCluster } from '../harness/redis-cluster.ts'
import { type Commands, watchCommands } from '../harness/redis-commands.ts'

let cluster: RedisCluster
let commands: Commands
let keyward: Keyward
let replica: Keyward

beforeAll(async () => {
  cluster = await startRedisCluster()
  commands = await watchCommands(cluster.nodes)
  const secrets = newSecrets()
  keyward = await startKeyward({ storeUrl: cluster.url, secrets })
  replica = await startKeyward({ storeUrl: cluster.url, secrets })
  expect(await storeOf(keyward.issuer)).toBe('redis-cluster')
})
afterAll(async () => {
  commands?.stop()
  await Promise.all([keyward?.stop(), replica?.stop()])
  await cluster?.stop()
})

test('launch, refresh, introspection at another server, reuse and the end of access go as on one Redis', async () => {
  const app = newApp(keyward.issuer)
  const browser = newBrowser(keyward.issuer)
  const scope = 'openid fhirUser offline_access launch/patient patient/Patient.rs patient/Immunization.rs'
  const callback = await authorize(browser, app.authorizationUrl({ scope }), { tick: (one) => one !== 'patient/Immunization.rs' })
  const code = app.codeFrom(callback)
  const { status, body } = await app.redeem(code)
  expect(status).toBe(200)
  expect(body).toMatchObject({ token_type: 'Bearer', patient: 'leo' })
  expect(body.scope?.split(' ').sort()).toEqual('fhirUser launch/patient offline_access openid patient/Patient.rs'.split(' '))

  const elsewhere = await introspect(replica.issuer, body.access_token ?? '')
  expect(elsewhere.body).toMatchObject({ active: true, patient: 'leo', client_id: 'heart-app', aud: FHIR_BASE })

  const refreshed = await app.refresh(body.refresh_token ?? '')
  expect(refreshed.status).toBe(200)
  await browser.open(`${keyward.issuer}/account`)
  expect(browser.page.html).toContain('Heart App')
  await browser.submit({})
  expect((await introspect(replica.issuer, refreshed.body.access_token ?? '')).text).toBe('{"active":false}')
  expect((await app.refresh(refreshed.body.refresh_token ?? '')).body.error).toBe('invalid_grant')
})

test('case 28: of 20 redemptions of one code at once exactly one succeeds, and its tokens end', async () => {
  const app = newApp(keyward.issuer)
  const browser = newBrowser(keyward.issuer)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 })
  const code = app.codeFrom(await authorize(browser, app.authorizationUrl()))
  const answers = await Promise.all(Array.from({ length: 20 }, () => app.redeem(code)))
  vi.useRealTimers()
  const won = answers.filter(({ status }) => status === 200)
  expect(won).toHaveLength(1)
  expect((await introspect(keyward.issuer, won[0]?.body.access_token ?? '')).text).toBe('{"active":false}')
})

test('no command has touched two slots, nor a script a key that it was not given', () => {
  expect(commands.seen()).toBeGreaterThan(100)
  expect(commands.astray()).toEqual([])
})

test('the audit trail, walked over all primaries, is whole', async () => {
  expect(await verifyAudit(keyward.store)).toMatchObject({ ok: true, chains: 2 })
  expect((await keyward.auditEvents('consent')).length).toBe(2)
})
