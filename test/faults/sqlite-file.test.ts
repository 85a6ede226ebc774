/** F19, F20, F21: the file of the embedded store can't grow, is held by somebody else, can't be written, or is damaged. */
import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { storeOf } from '../harness/keyward.ts'
import { type KeywardProcess, startProcess } from '../harness/keyward-process.ts'
import { violationsIn } from './history.ts'
import { newPerson, type Person } from './person.ts'
import { introspecting, newRecorder, type Recorder, refreshing } from './recorder.ts'
import { issuedIn } from './replicas.ts'

let keyward: KeywardProcess
let recorder: Recorder
let person: Person

beforeEach(async () => {
  keyward = await startProcess({ change: (yaml) => yaml.replace('clinicians: required', 'clinicians: "off"') })
  expect(await storeOf(keyward.issuer)).toBe('sqlite')
  recorder = newRecorder(keyward.issuer)
  person = await newPerson(keyward.issuer, recorder, keyward.port)
})
afterEach(() => keyward?.stop())

const ask = async (token: string) => (await recorder.perform([refreshing(keyward.port, token)]))[0]

async function expectIntact(): Promise<void> {
  const verified = await keyward.cli('audit', 'verify')
  expect([verified.code, verified.stderr]).toEqual([0, ''])
  const { stdout } = await keyward.cli('audit', 'export')
  const records = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
  expect(violationsIn({ calls: recorder.calls, issued: issuedIn(records) })).toEqual([])
}

test('F19: a disk that is full: 503 with Retry-After, nothing half written, and it goes on by itself when there is space', async () => {
  const { access, refresh: begun } = await person.tokens()
  await keyward.terminate()
  // What is written goes into the file beside the store first; the store's own is beyond this already.
  await keyward.startAgain('/readyz', { largestFile: 600 * 1024 })
  let refresh = begun
  let refused = 0
  for (let count = 0; count < 3000 && refused < 5; count++) {
    const answer = await ask(refresh)
    if (answer?.type === 'tokens') refresh = answer.refresh
    else {
      expect(answer).toEqual({ type: 'unavailable' })
      refused += 1
    }
  }
  expect(refused).toBe(5)
  // Its own small write may have found the last place: it notices by the next one.
  await expect.poll(async () => (await fetch(`${keyward.issuer}/readyz`)).status, { timeout: 20_000 }).toBe(503)
  expect((await fetch(`${keyward.issuer}/livez`)).status).toBe(200)

  const other = new DatabaseSync(keyward.database)
  // Moves what was written into the store's own file, and empties the one beside it: space again.
  await expect.poll(() => other.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy, { timeout: 5000, interval: 20 }).toBe(0)
  other.close()
  await expect.poll(async () => (await ask(refresh))?.type, { timeout: 5000, interval: 50 }).toBe('tokens')
  expect(await recorder.perform([introspecting(keyward.port, access)])).toMatchObject([{ type: 'active' }])
  await keyward.terminate()
  await keyward.startAgain()
  await expectIntact()
}, 180_000)

test('F20: a file that somebody holds: what has to be written is refused with 503, others are answered meanwhile, and it goes on', async () => {
  const { access, refresh } = await person.tokens()
  const other = new DatabaseSync(keyward.database)
  other.exec('BEGIN EXCLUSIVE')
  let isRefused = false
  const waiting = ask(refresh).then((answer) => {
    isRefused = true
    return answer
  })
  // It waits for the lock, and the process does not: this comes back first.
  expect((await fetch(`${keyward.issuer}/livez`)).status).toBe(200)
  expect(isRefused).toBe(false)
  expect(await recorder.perform([introspecting(keyward.port, access)])).toMatchObject([{ type: 'active', active: true }])
  expect(await waiting).toEqual({ type: 'unavailable' })
  other.exec('ROLLBACK')
  other.close()
  expect((await ask(refresh))?.type).toBe('tokens')
  await expectIntact()
})

test('F20: a file that is locked for less than its patience is waited for', async () => {
  const { refresh } = await person.tokens()
  const other = new DatabaseSync(keyward.database)
  other.exec('BEGIN EXCLUSIVE')
  const waiting = ask(refresh)
  expect((await fetch(`${keyward.issuer}/livez`)).status).toBe(200)
  other.exec('ROLLBACK')
  other.close()
  expect((await waiting)?.type).toBe('tokens')
})

describe('a start on a file', () => {
  test('F20: that can not be written is refused with a line that says so', async () => {
    await keyward.terminate()
    await expect(keyward.startAgain('/readyz', { largestFile: 0 })).rejects.toThrow(/the store .*keyward\.db can't be opened: /)
  })

  test('F21: with damaged pages is refused with a line that says so', async () => {
    await keyward.terminate()
    const { size } = statSync(keyward.database)
    const file = openSync(keyward.database, 'r+')
    // The heads of pages that nobody reads at a start; what is changed within a record is found by its seal.
    for (let at = 4096 * Math.ceil(size / 8192); at < size; at += 4096) writeSync(file, Buffer.alloc(16, 0xff), 0, 16, at)
    closeSync(file)
    await expect(keyward.startAgain()).rejects.toThrow(/the store .*keyward\.db can't be opened: .*(damaged|malformed)/)
  })
})
