/**
 * Case 98: an attacker has somebody else's browser sign in with the attacker's name and password, so that what the person
 * then shares would lie in the attacker's account. Whatever the attacker's page sends along, the browser is signed in as nobody.
 * Case 119: codes that are none.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { post, walkTo } from '../harness/on-pages.ts'

describe.each(STORES)('forms of somebody else, on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({ store })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward.stop())

  const FROM_ELSEWHERE = { Origin: 'https://attacker.example', 'Sec-Fetch-Site': 'cross-site' }

  test.each([
    ['from its own page', FROM_ELSEWHERE],
    ['from a browser that says nothing of where a form is from', {}],
    ['with headers as our own page has them', 'own']
  ])("case 98: the attacker's credentials and form, sent by a person's browser %s, sign nobody in", async (_how, sent) => {
    const { issuer } = keyward
    const headers: Record<string, string> = typeof sent === 'string' ? { Origin: issuer, 'Sec-Fetch-Site': 'same-origin' } : sent
    const attacker = newBrowser(issuer)
    await walkTo(attacker, newApp(issuer).authorizationUrl(), 'login')
    const credentials = { username: 'john', password: PASSWORD }

    // A browser that has never been here, and one that has a sign-in of its own open.
    for (const isOpen of [false, true]) {
      const person = newBrowser(issuer)
      if (isOpen) await walkTo(person, newApp(issuer).authorizationUrl(), 'login')
      const own = isOpen ? person.form().action : undefined
      for (const url of [attacker.form().action, ...(own ? [own] : [])]) {
        const answer = await post(person, attacker.form(), credentials, { url, headers })
        expect([400, 403]).toContain(answer.status)
        expect(answer.headers.get('location')).toBeNull()
      }
      // Signed in as nobody: the account page asks who it is.
      await person.open(`${issuer}/account`)
      expect(person.page.step).toBe('login')
    }
    const accepted = (await keyward.auditEvents('sign-in')).filter(({ outcome }) => outcome === 'accepted')
    expect(accepted).toEqual([])
  })

  test.each([
    ['sent twice', ['123456', '654321']],
    ['of 7 digits', '1234567'],
    ['of letters', 'abcdef'],
    ['of full-width digits', '１２３４５６'],
    ['empty', ''],
    ['of 50 kB', '1'.repeat(50_000)]
  ])('case 119: a code that is %s is refused as such, and does not end the sign-in', async (_what, code) => {
    const { issuer } = keyward
    const browser = newBrowser(issuer)
    await walkTo(browser, newApp(issuer).authorizationUrl(), 'mfa')
    const before = keyward.log.filter((line) => line.includes('"level":"error"')).length
    const answer = await post(browser, browser.form(), { code }, { headers: { Origin: issuer } })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(keyward.log.filter((line) => line.includes('"level":"error"'))).toHaveLength(before)
    expect((await browser.open(browser.page.url)).step).toBe('mfa')
  })
})
