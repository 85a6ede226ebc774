/** Case 148 by the operator's own commands, on the files and beside the process that an operator has. */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig } from '../../src/config/read-config.ts'
import { createSealer } from '../../src/keys/sealing.ts'
import { loadSecrets } from '../../src/keys/secrets.ts'
import type { StoredRing } from '../../src/keys/signing-ring.ts'
import { openDriver } from '../../src/store/open-store.ts'
import { createStore } from '../../src/store/sealed-store.ts'
import type { Kind } from '../../src/store/store.ts'
import { authorize, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { type KeywardProcess, startProcess } from '../harness/keyward-process.ts'

const RING: Kind<StoredRing> = { name: 'signing-keys' }
const HOUR = 3_600_000
const keys = new Map([1, 2, 3].map((id) => [id, randomBytes(32).toString('base64url')]))
const [lookupKey, cookieKey] = [randomBytes(32), randomBytes(32)].map((key) => key.toString('base64url'))

const ring = (...ids: number[]): string =>
  `secrets: { sealingKeys: [${ids.map((id) => `{ id: ${id}, key: "${keys.get(id)}" }`).join()}], lookupKey: "${lookupKey}", cookieKeys: ["${cookieKey}"] }`

let keyward: KeywardProcess
beforeEach(async () => {
  keyward = await startProcess({
    change: (yaml) => `${yaml.replace(/^secondFactor: .*$/m, 'secondFactor: { patients: "off", clinicians: "off" }')}${ring(1)}\n`
  })
})
afterEach(() => keyward.stop())

function setRing(...ids: number[]): void {
  const yaml = readFileSync(keyward.configFile, 'utf8').replace(/^secrets: .*$/m, ring(...ids))
  writeFileSync(keyward.configFile, yaml)
}
async function published(): Promise<string[]> {
  const { keys: found }: { keys: { kid: string }[] } = JSON.parse(await (await fetch(`${keyward.issuer}/jwks`)).text())
  return found.map(({ kid }) => kid)
}
async function events(): Promise<unknown[]> {
  const { stdout } = await keyward.cli('audit', 'export')
  const all = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event)
  return all.filter(({ type }) => type === 'keys')
}
/** As if the next key had been published for so long already. */
async function age(milliseconds: number): Promise<void> {
  const config = readConfig(keyward.configFile, {})
  const { sealingKeys, lookupKey: lookup } = await loadSecrets(config)
  const driver = await openDriver(config.store, { now: Date.now })
  const store = createStore({ driver, sealer: createSealer(sealingKeys), lookupKey: lookup, now: Date.now })
  await store.update(RING, 'current', ({ keys: stored }) => ({
    keys: stored.map((key) => ({ ...key, createdAt: key.createdAt - milliseconds }))
  }))
  await driver.close()
}

test('keys rotate-signing is refused too soon; then the running process signs with the next key within seconds', async () => {
  const [active, next] = await published()
  const early = await keyward.cli('keys', 'rotate-signing')
  expect({ code: early.code, stdout: early.stdout }).toEqual({ code: 1, stdout: '' })
  expect(early.stderr).toMatch(/^the next key has not been published for long enough: rotate after \d{4}-\d\d-\d\dT/)
  expect(await events()).toEqual([])

  await age(HOUR)
  const rotated = await keyward.cli('keys', 'rotate-signing')
  expect(rotated).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(`key ${next} signs from now on`) })
  await expect.poll(async () => (await published())[0], { timeout: 15_000, interval: 100 }).toBe(next)
  expect(await published()).toEqual([next, expect.any(String), active])
  expect(await events()).toEqual([{ type: 'keys', outcome: 'signing-rotated', kid: next }])
  expect((await keyward.cli('keys', 'rotate-signing')).code).toBe(1)
  expect(await keyward.cli('audit', 'verify')).toMatchObject({ code: 0 })
})

test('case 148: keys withdraw-signing ends a key within seconds: the next one signs, and what it signed verifies no more', async () => {
  const [active = '', next = ''] = await published()
  const unknown = await keyward.cli('keys', 'withdraw-signing', 'some-other-key')
  expect(unknown).toMatchObject({ code: 1, stdout: '', stderr: `there is no such key; published are ${active}, ${next}\n` })
  expect(await events()).toEqual([])

  const app = newApp(keyward.issuer)
  const signIn = async () =>
    (await app.redeem(app.codeFrom(await authorize(newBrowser(keyward.issuer), app.authorizationUrl())))).body.id_token ?? ''
  const before = await signIn()
  const keySet = async () => createLocalJWKSet(JSON.parse(await (await fetch(`${keyward.issuer}/jwks`)).text()))
  expect((await jwtVerify(before, await keySet())).protectedHeader.kid).toBe(active)

  const withdrawn = await keyward.cli('keys', 'withdraw-signing', active)
  expect(withdrawn).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(`key ${next} signs`) })
  await expect.poll(published, { timeout: 15_000, interval: 100 }).toEqual([next, expect.any(String)])
  await expect(jwtVerify(before, await keySet())).rejects.toThrow('no applicable key')
  expect((await jwtVerify(await signIn(), await keySet())).protectedHeader.kid).toBe(next)

  // One that only waits to sign is replaced, and signs never.
  const [, waiting = ''] = await published()
  expect((await keyward.cli('keys', 'withdraw-signing', waiting)).code).toBe(0)
  await expect.poll(published, { timeout: 15_000, interval: 100 }).not.toContain(waiting)
  expect((await published())[0]).toBe(next)
  expect(await events()).toEqual([
    { type: 'keys', outcome: 'signing-withdrawn', kid: active, active: next },
    { type: 'keys', outcome: 'signing-withdrawn', kid: waiting, active: next }
  ])
  expect(await keyward.cli('audit', 'verify')).toMatchObject({ code: 0 })
})

test('keys rotate-sealing seals all anew beside the running process; then the old key may go, and another one is refused', async () => {
  await keyward.terminate()
  setRing(2, 1)
  await keyward.startAgain()
  const resealed = await keyward.cli('keys', 'rotate-sealing')
  expect(resealed).toMatchObject({ code: 0, stderr: '' })
  expect(resealed.stdout).toContain('every record is sealed with key 2: the others may be removed from secrets.sealingKeys')
  expect(await events()).toEqual([
    { type: 'keys', outcome: 'resealing', sealingKey: 2 },
    { type: 'keys', outcome: 'resealed', sealingKey: 2, records: expect.any(Number) }
  ])
  await keyward.terminate()
  setRing(2)
  await keyward.startAgain()
  expect(await keyward.cli('audit', 'verify')).toMatchObject({ code: 0 })
  await keyward.terminate()
  for (const wrong of [1, 3]) {
    setRing(wrong)
    expect((await keyward.cli('audit', 'verify')).stderr).toContain('the sealing key does not open this store')
    await expect(keyward.startAgain()).rejects.toThrow('the sealing key does not open this store')
  }
})

test('keys rotate-sealing names a record that does not open, and does not say that the old key may go', async () => {
  const raw = new DatabaseSync(keyward.database)
  raw.exec("UPDATE entries SET payload = zeroblob(90) WHERE rowid = (SELECT min(rowid) FROM entries WHERE kind = 'account')")
  raw.close()
  setRing(2, 1)
  const { code, stdout, stderr } = await keyward.cli('keys', 'rotate-sealing')
  expect(code).toBe(1)
  expect(stderr).toMatch(/^account\/[\w-]{43} can't be opened and was left as it is\n$/)
  expect(stdout).not.toContain('removed')
})
