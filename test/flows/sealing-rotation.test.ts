/**
 * Case 148 and F21 on a running clinic: the key that seals the store is changed while apps refresh, with no failed request; and
 * records that were changed or swapped are refused and reported, while all others work.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createAccounts } from '../../src/accounts/accounts.ts'
import { createPasswords } from '../../src/accounts/password.ts'
import { reseal } from '../../src/keys/reseal.ts'
import { createSealer } from '../../src/keys/sealing.ts'
import type { PlacedPage } from '../../src/store/driver.ts'
import { openDriver } from '../../src/store/open-store.ts'
import { decodeRecord } from '../../src/store/record.ts'
import { RecordUnreadable } from '../../src/store/store.ts'
import { authorize, introspect, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { type Keyward, newSecrets, STORES, startKeyward, storeOf, type TestSecrets } from '../harness/keyward.ts'
import { startRedisOf } from '../harness/shared-redis.ts'
import { withoutSecondFactor } from '../harness/visit.ts'

describe.each(STORES)('on %s', (store) => {
  async function clinic() {
    const redis = await startRedisOf(store)
    const folder = mkdtempSync(join(tmpdir(), 'keyward-sealing-'))
    const url = redis?.url ?? `sqlite:${join(folder, 'keyward.db')}`
    const running: Keyward[] = []
    onTestFinished(async () => {
      for (const keyward of running) await keyward.stop()
      await redis?.stop()
      rmSync(folder, { recursive: true, force: true })
    })
    async function start(secrets: TestSecrets, port?: number): Promise<Keyward> {
      const keyward = await startKeyward({
        store,
        secrets,
        ...(redis ? { redis } : { storeUrl: url }),
        ...(port !== undefined && { port }),
        change: withoutSecondFactor
      })
      expect(await storeOf(keyward.issuer)).toBe(store)
      running.push(keyward)
      return keyward
    }
    async function stop(keyward: Keyward): Promise<void> {
      running.splice(running.indexOf(keyward), 1)
      await keyward.stop()
    }
    const open = async () => {
      const driver = await openDriver(url, { now: Date.now })
      onTestFinished(() => driver.close())
      return driver
    }
    return { start, stop, open }
  }

  test('case 148: the sealing key is changed while two apps refresh: no failed request, and the old key is not needed afterwards', async () => {
    const { start, stop, open } = await clinic()
    const before = newSecrets()
    const both = { ...before, sealingKeys: [{ id: 2, key: randomBytes(32) }, ...before.sealingKeys] }
    let keyward = await start(before)
    const port = Number(new URL(keyward.issuer).port)
    const app = newApp(keyward.issuer)
    const browser = newBrowser(keyward.issuer)
    const visit = async () => (await app.redeem(app.codeFrom(await authorize(browser, app.authorizationUrl())))).body
    const tokens = [await visit(), await visit()]
    await stop(keyward)

    keyward = await start(both, port)
    let resealing = true
    let refreshes = 0
    const failures: string[] = []
    const loops = tokens.map(async (first) => {
      let latest = first
      while (resealing || refreshes < 10) {
        const answer = await app.refresh(latest.refresh_token ?? '')
        const said = await introspect(keyward.issuer, answer.body.access_token ?? '')
        if (answer.status !== 200 || said.body.active !== true) failures.push(`${answer.status} ${answer.text} ${said.text}`)
        latest = answer.body
        refreshes += 1
      }
      return latest
    })
    const driver = await open()
    const sealer = createSealer(both.sealingKeys)
    const outcome = await reseal({ driver, sealer, now: Date.now, onProgress: () => undefined })
    resealing = false
    const latest = await Promise.all(loops)
    expect(failures).toEqual([])
    expect(outcome).toMatchObject({ unreadable: [], left: 0 })
    expect(outcome.resealed).toBeGreaterThan(20)
    await stop(keyward)

    keyward = await start({ ...both, sealingKeys: both.sealingKeys.slice(0, 1) }, port)
    for (const { refresh_token, access_token } of latest) {
      expect((await introspect(keyward.issuer, access_token ?? '')).body.active).toBe(true)
      expect((await app.refresh(refresh_token ?? '')).status).toBe(200)
    }
    expect((await browser.open(`${keyward.issuer}/account`)).html).toContain('Heart App')
  })

  test('case 116, F21: two swapped accounts and a changed token are refused and reported, all others work', async () => {
    const { start, open } = await clinic()
    const secrets = newSecrets()
    const keyward = await start(secrets)
    const accounts = createAccounts({ store: keyward.store, passwords: await createPasswords(), now: Date.now })
    const app = newApp(keyward.issuer)
    const visit = async () => {
      const browser = newBrowser(keyward.issuer)
      const callback = await authorize(browser, app.authorizationUrl())
      return (await app.redeem(app.codeFrom(callback))).body.access_token ?? ''
    }
    const [spoilt, sound] = [await visit(), await visit()]

    const driver = await open()
    const sealer = createSealer(secrets.sealingKeys)
    const rows: PlacedPage['rows'] = []
    for (let page: PlacedPage | undefined; !page || page.next !== undefined; ) {
      page = await driver.everything({ limit: 10_000, ...(page?.next !== undefined && { after: page.next }) })
      rows.push(...page.rows)
    }
    const holding = (kind: string, text: string) => {
      const found = rows.find(
        ({ place, payload }) =>
          place.kind === kind && JSON.stringify(decodeRecord(sealer.open(payload, `${kind}/${place.id}`))).includes(`"${text}"`)
      )
      if (!found) throw new Error(`no ${kind} holds ${text}`)
      return found
    }
    const put = ({ place }: (typeof rows)[number], payload: Uint8Array) =>
      driver.commit([{ place, condition: 'none', payload, expiresAt: undefined, indexes: [], indexed: true }])
    const [john, nobody] = [holding('account', 'john'), holding('account', 'nobody')]
    await put(john, nobody.payload)
    await put(nobody, john.payload)
    const token = holding('AccessToken', spoilt)
    await put(
      token,
      Uint8Array.from(token.payload, (byte, at) => (at === 30 ? byte ^ 1 : byte))
    )

    for (const username of ['john', 'nobody']) {
      await expect(accounts.findByUsername(username)).rejects.toThrow(RecordUnreadable)
      const browser = newBrowser(keyward.issuer)
      await browser.open(app.authorizationUrl())
      expect((await browser.submit({ username, password: PASSWORD })).status).toBe(500)
    }
    const refused = await introspect(keyward.issuer, spoilt)
    expect({ status: refused.status, active: refused.body.active }).toEqual({ status: 500, active: undefined })
    // An operator sees what it was, at a level that sets off an alarm.
    const errors = keyward.log.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error' || level >= 50)
    expect(errors).toHaveLength(3)
    for (const line of errors) expect(JSON.stringify(line)).toContain('changed, moved or sealed with another key')
    expect((await introspect(keyward.issuer, sound)).body.active).toBe(true)
    expect((await introspect(keyward.issuer, await visit())).body.active).toBe(true)
  })
})
