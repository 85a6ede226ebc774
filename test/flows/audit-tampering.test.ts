/** Case 143 on the running clinic: whoever changes the stored trail is found out by the operator's command, which names the first bad record. */
import { copyFileSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AuditRecord } from '../../src/audit/event.ts'
import { readConfig } from '../../src/config/read-config.ts'
import { createSealer } from '../../src/keys/sealing.ts'
import { loadSecrets } from '../../src/keys/secrets.ts'
import { openDriver } from '../../src/store/open-store.ts'
import { createStore } from '../../src/store/sealed-store.ts'
import type { Kind, Store } from '../../src/store/store.ts'
import { authorize, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { newSecrets, startKeyward } from '../harness/keyward.ts'
import { type KeywardProcess, startProcess } from '../harness/keyward-process.ts'
import { startRedis } from '../harness/redis-server.ts'

const RECORDS: Kind<AuditRecord> = { name: 'audit-record' }

describe('case 143: after a visit, with Keyward stopped', () => {
  let keyward: KeywardProcess
  let trail: AuditRecord[]
  let store: Store
  let raw: DatabaseSync
  let open: () => Promise<Store>
  beforeAll(async () => {
    keyward = await startProcess()
    const app = newApp(keyward.issuer)
    await app.redeem(app.codeFrom(await authorize(newBrowser(keyward.issuer), app.authorizationUrl())))
    await keyward.terminate()
    const exported = await keyward.cli('audit', 'export')
    trail = exported.stdout
      .trimEnd()
      .split('\n')
      .map((line): AuditRecord => JSON.parse(line))
    expect(trail.map(({ event }) => event.type)).toEqual([
      'audit-chain',
      'sign-in',
      'second-factor',
      'patient-choice',
      'consent',
      'authorization',
      'token',
      'audit-chain'
    ])
    expect(await keyward.cli('audit', 'verify')).toMatchObject({ code: 0, stdout: '8 records in 1 chains, intact\n' })
    const { sealingKeys, lookupKey } = await loadSecrets(readConfig(keyward.configFile, {}))
    open = async () => {
      const driver = await openDriver(`sqlite:${keyward.database}`, { now: Date.now })
      return createStore({ driver, sealer: createSealer(sealingKeys), lookupKey, now: Date.now })
    }
    copyFileSync(keyward.database, `${keyward.database}.whole`)
  })
  afterAll(() => keyward.stop())
  beforeEach(async () => {
    for (const beside of ['-wal', '-shm']) rmSync(`${keyward.database}${beside}`, { force: true })
    copyFileSync(`${keyward.database}.whole`, keyward.database)
    store = await open()
    raw = new DatabaseSync(keyward.database)
  })
  afterEach(async () => {
    raw.close()
    await store.close()
  })

  const at = (sequence: number): AuditRecord => {
    const record = trail[sequence - 1]
    if (!record) throw new Error(`there is no record ${sequence}`)
    return record
  }
  const idOf = ({ chain, sequence }: AuditRecord): string => `${chain}.${sequence}`
  /** Of the rows as they lie in the file: which is which only their order of writing tells. */
  const rowOf = (sequence: number): number =>
    Number(
      raw.prepare("SELECT rowid FROM entries WHERE kind = 'audit-record' ORDER BY rowid LIMIT 1 OFFSET ?").get(sequence - 1)
        ?.rowid
    )

  const damage: [string, number, string, () => unknown][] = [
    [
      'changed bytes',
      3,
      'cannot be opened',
      () => raw.prepare('UPDATE entries SET payload = zeroblob(90) WHERE rowid = ?').run(rowOf(3))
    ],
    [
      'a changed word, by somebody with the keys',
      5,
      'was changed',
      () => store.put(RECORDS, idOf(at(5)), { ...at(5), time: '2020-01-01T00:00:00.000Z' })
    ],
    [
      'a changed hash, by somebody with the keys',
      2,
      'was changed',
      () => store.put(RECORDS, idOf(at(2)), { ...at(2), hash: '0'.repeat(64) })
    ],
    ['a deleted record', 4, 'is missing', () => store.delete(RECORDS, idOf(at(4)))],
    ['a deleted row', 6, 'is missing', () => raw.prepare('DELETE FROM entries WHERE rowid = ?').run(rowOf(6))],
    [
      "two records in each other's place",
      3,
      'does not follow',
      async () => {
        await store.put(RECORDS, idOf(at(3)), at(4))
        await store.put(RECORDS, idOf(at(4)), at(3))
      }
    ],
    [
      "two rows in each other's place",
      3,
      'cannot be opened',
      () =>
        raw.exec(`UPDATE entries SET payload = CASE rowid
      WHEN ${rowOf(3)} THEN (SELECT payload FROM entries WHERE rowid = ${rowOf(4)}) ELSE (SELECT payload FROM entries WHERE rowid = ${rowOf(3)}) END
      WHERE rowid IN (${rowOf(3)}, ${rowOf(4)})`)
    ],
    [
      'an end that was cut off',
      7,
      'cut off',
      async () => {
        await store.delete(RECORDS, idOf(at(7)))
        await store.delete(RECORDS, idOf(at(8)))
      }
    ],
    [
      'an end that was cut off, and the head set back',
      8,
      'head was set back',
      async () => {
        const { chain, sequence, hash } = at(7)
        await store.put({ name: 'audit-head' }, chain, { chain, sequence, hash, closed: false })
      }
    ],
    ['a head that is gone', 1, 'head is missing', () => store.delete({ name: 'audit-head' }, at(1).chain)]
  ]
  test.each(damage)('%s: record %i is named', async (_what, sequence, words, spoil) => {
    await spoil()
    const { code, stdout } = await keyward.cli('audit', 'verify')
    expect(code).toBe(1)
    expect(stdout).toMatch(new RegExp(`^chain ${at(1).chain.replace('.', '\\.')}, record ${sequence} [^\n]*${words}[^\n]*\n$`))
  })

  test('a whole end, head and all, is missed by the next chain', async () => {
    await keyward.startAgain()
    await keyward.terminate()
    const { chain, sequence, hash } = at(6)
    await store.delete(RECORDS, idOf(at(7)))
    await store.delete(RECORDS, idOf(at(8)))
    await store.put({ name: 'audit-head' }, chain, { chain, sequence, hash, closed: false })
    const { code, stdout } = await keyward.cli('audit', 'verify')
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(/record 7 is missing, and all after it/) })
  })
})

test('case 143: two Keywards that append to one Redis at once leave two linear chains', async () => {
  const redis = await startRedis()
  const secrets = newSecrets()
  const both = [await startKeyward({ store: 'redis', redis, secrets }), await startKeyward({ store: 'redis', redis, secrets })]
  const refusals = both.flatMap(({ issuer }) => Array.from({ length: 60 }, () => newApp(issuer).refresh('unknown')))
  expect((await Promise.all(refusals)).map(({ status }) => status)).toEqual(refusals.map(() => 400))
  const [first] = both
  const records = (await first?.audit()) ?? []
  for (const chain of new Set(records.map((record) => record.chain))) {
    const sequences = records.filter((record) => record.chain === chain).map(({ sequence }) => sequence)
    expect(sequences).toEqual(sequences.map((_, index) => index + 1))
    expect(sequences).toHaveLength(61)
  }
  for (const keyward of both) await keyward.stop()
  await redis.stop()
})
