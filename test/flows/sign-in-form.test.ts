import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Account } from '../../src/accounts/accounts.ts'
import type { Config } from '../../src/config/config.ts'
import { newApp } from '../harness/app-client.ts'
import { type Browser, newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { all, post, stateOf, walkTo } from '../harness/on-pages.ts'
import { theRecordOf } from '../harness/visit.ts'

const WRONG = 'The user name or password is not right. Please try again.'

const limited = (passwordsPerAccount: number) => (config: Config) => ({
  ...config,
  limits: { ...config.limits, passwordsPerAccount }
})

/** An account as an operator disables it. */
async function disable(keyward: Keyward, username: string): Promise<void> {
  const account = (await all<Account>(keyward, 'account')).find((one) => one.username === username)
  await keyward.store.update<Account>({ name: 'account' }, account?.sub ?? '', (current) => ({ ...current, disabled: true }))
}

describe.each(STORES)('the sign-in form on %s', (store) => {
  let keyward: Keyward
  let browser: Browser
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: limited(3) })
    expect(await storeOf(keyward.issuer)).toBe(store)
    await disable(keyward, 'nobody')
  })
  afterAll(() => keyward.stop())
  beforeEach(async () => {
    browser = newBrowser(keyward.issuer)
    await walkTo(browser, newApp(keyward.issuer).authorizationUrl(), 'login')
  })

  const tried = (username: string, password: string) => post(browser, browser.form(), { username, password })

  test.each([
    ['unknown', 'zoe', 'wrong', 'wrong-credentials'],
    ['known', 'maria', 'wrong', 'wrong-credentials'],
    ['disabled', 'nobody', 'wrong', 'wrong-credentials'],
    ['disabled, with the right password', 'nobody', PASSWORD, 'account-disabled']
  ])(
    'case 99: the page says the same of an account that is %s; the trail says why',
    async (_name, username, password, reason) => {
      let page = ''
      const event = await theRecordOf(keyward, async () => {
        const answer = await tried(username, password)
        expect(answer.status).toBe(422)
        page = await answer.text()
      })
      expect(event).toMatchObject({ type: 'sign-in', outcome: 'refused', reason })
      expect(page).toContain(WRONG)
    }
  )

  test('case 101: a password of 1 MB is refused before it is hashed', async () => {
    const before = await stateOf(keyward)
    const recordsBefore = (await keyward.audit()).length
    const answer = await tried('maria', 'x'.repeat(1024 * 1024))
    expect(answer.status).toBe(413)
    expect(await stateOf(keyward)).toEqual(before)
    // Nothing was tried: a try would be in the trail.
    expect((await keyward.audit()).length).toBe(recordsBefore)
  })

  test('case 101: a password that fits a form and is longer than any that can be set is a wrong one', async () => {
    const event = await theRecordOf(keyward, async () => {
      expect((await tried('dr.lee', 'x'.repeat(50_000))).status).toBe(422)
    })
    expect(event).toMatchObject({ type: 'sign-in', outcome: 'refused', reason: 'wrong-credentials' })
  })

  test('case 103: letter case, Unicode forms and spaces share one counter', async () => {
    const statuses: number[] = []
    for (const username of ['john', 'JOHN', 'Ｊｏｈｎ', ' john ', 'jo\u200bhn', 'John'])
      statuses.push((await tried(username, 'wrong')).status)
    expect(statuses).toEqual([422, 422, 422, 429, 429, 429])
    // What is counted is the account: the right password is not looked at any more.
    expect((await tried('john', PASSWORD)).status).toBe(429)
  })

  test('case 103: names that nobody has are counted the same way', async () => {
    const statuses: number[] = []
    for (const username of ['ghost', 'GHOST', 'ｇｈｏｓｔ', 'ghost ']) statuses.push((await tried(username, 'wrong')).status)
    expect(statuses).toEqual([422, 422, 422, 429])
  })
})

// How long an answer takes is the password's hashing and a few reads: measured on the store without a network.
describe('two hundred tries each', () => {
  const ROUNDS = 200
  const NAMES = { unknown: 'zoe', known: 'maria', disabled: 'nobody' } as const
  type Kind = keyof typeof NAMES
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({ change: limited(10_000) })
    await disable(keyward, 'nobody')
  })
  afterAll(() => keyward.stop())

  test('case 99: status, body, headers and time tell nothing of an account', async () => {
    const browser = newBrowser(keyward.issuer)
    await walkTo(browser, newApp(keyward.issuer).authorizationUrl(), 'login')
    const form = browser.form()
    const kinds: Kind[] = ['unknown', 'known', 'disabled']
    const answers: Record<Kind, Set<string>> = { unknown: new Set(), known: new Set(), disabled: new Set() }

    /** The greatest difference of two medians, in milliseconds. */
    async function gap(): Promise<number> {
      const times: Record<Kind, number[]> = { unknown: [], known: [], disabled: [] }
      for (let round = 0; round < ROUNDS; round++) {
        // One after another, in an order that changes: what else the machine does falls on all of them alike.
        const order = [...kinds.slice(round % 3), ...kinds.slice(0, round % 3)]
        for (const kind of order) {
          const start = performance.now()
          const answer = await post(browser, form, { username: NAMES[kind], password: 'not the password' })
          const html = await answer.text()
          times[kind].push(performance.now() - start)
          answers[kind].add(withoutOwn(answer, html, NAMES[kind]))
        }
      }
      const medians = kinds.map((kind) => medianOf(times[kind]))
      return Math.max(...medians) - Math.min(...medians)
    }

    // A difference that is there shows each time; one that a busy machine makes does not.
    const gaps = [await gap()]
    while (Math.min(...gaps) >= 10 && gaps.length < 3) gaps.push(await gap())
    expect(Math.min(...gaps)).toBeLessThan(10)
    expect(answers.known.size).toBe(1)
    expect([...answers.unknown]).toEqual([...answers.known])
    expect([...answers.disabled]).toEqual([...answers.known])
  }, 240_000)
})

/** An answer without what is this request's own: its id, its nonce, its form's token, the typed name, the time of day. */
function withoutOwn(answer: Response, html: string, username: string): string {
  const id = answer.headers.get('x-request-id') ?? ''
  const policy = answer.headers.get('content-security-policy') ?? ''
  const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? ''
  const token = /name="csrf" value="([^"]*)"/.exec(html)?.[1] ?? ''
  const headers = [...answer.headers].filter(([name]) => name !== 'date').map(([name, value]) => `${name}: ${value}`)
  let text = [answer.status, ...headers, html].join('\n').replace(`value="${username}"`, 'value="TYPED"')
  // The length of the page follows from the name that was typed.
  text = text.replace(/content-length: (\d+)/, (_, length) => `content-length: ${Number(length) - username.length}`)
  for (const own of [id, nonce, token]) if (own) text = text.replaceAll(own, 'OWN')
  return text
}

function medianOf(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
