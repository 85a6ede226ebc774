import { describe, expect, test } from 'vitest'
import { MARIA, type Opened, openAccounts, PASSWORD } from './open-accounts.ts'

const ADDRESS = '192.0.2.1'

/** An account in each state that a page must not tell apart. */
async function openThree(): Promise<Opened> {
  const opened = await openAccounts({ limits: { passwordsPerAccount: 1000 } })
  await opened.accounts.createIfAbsent(MARIA)
  const { sub } = await opened.accounts.createIfAbsent({ ...MARIA, username: 'former' })
  await opened.accounts.setDisabled(sub, true)
  return opened
}

describe('signing in', () => {
  test('the right password gives the account', async () => {
    const { signIn, accounts } = await openThree()
    expect(await signIn.verify('maria', PASSWORD, ADDRESS)).toEqual({ ok: true, account: await accounts.findByUsername('maria') })
  })

  test.each([
    ['unknown', 'nobody', 'a wrong password', 'wrong-credentials'],
    ['unknown', 'nobody', PASSWORD, 'wrong-credentials'],
    ['known', 'maria', 'a wrong password', 'wrong-credentials'],
    ['disabled', 'former', 'a wrong password', 'wrong-credentials'],
    ['disabled', 'former', PASSWORD, 'account-disabled']
  ])('case 99: %s account, %s with %j: refused as %s after exactly one hash', async (_state, username, password, reason) => {
    const { signIn, hashes } = await openThree()
    const before = hashes()
    expect(await signIn.verify(username, password, ADDRESS)).toMatchObject({ ok: false, reason })
    expect(hashes() - before).toBe(1)
  })

  test('case 103: every spelling of a name is counted as one, on an account and on a name without one', async () => {
    const { signIn, accounts, hashes } = await openAccounts({ limits: { passwordsPerAccount: 5 } })
    await accounts.createIfAbsent({ ...MARIA, username: 'John' })
    for (const spellings of [
      ['John', 'JOHN', 'ｊｏｈｎ', 'john ', 'jo\u200bhn'],
      ['Nobody', 'NOBODY', 'ｎｏｂｏｄｙ', 'nobody ', 'no\u200bbody']
    ]) {
      for (const username of spellings) {
        expect(await signIn.verify(username, 'wrong', ADDRESS)).toMatchObject({ reason: 'wrong-credentials' })
      }
      const before = hashes()
      for (const username of spellings) {
        const outcome = await signIn.verify(username, PASSWORD, ADDRESS)
        expect(outcome).toMatchObject({ ok: false, reason: 'too-many-attempts', retryAfter: expect.any(Number) })
      }
      expect(hashes()).toBe(before)
    }
  })

  test.each(['maria', 'nobody'])(
    'case 104: of 100 wrong passwords at once for %s, on two replicas, 5 are hashed',
    async (username) => {
      const { signIn, accounts, replica, hashes } = await openAccounts({ limits: { passwordsPerAccount: 5 } })
      await accounts.createIfAbsent(MARIA)
      const other = await replica()
      const before = hashes()
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, n) => (n % 2 ? signIn : other.signIn).verify(username, `wrong ${n}`, ADDRESS))
      )
      const reasons = outcomes.map((outcome) => (outcome.ok ? 'accepted' : outcome.reason))
      expect(reasons.filter((reason) => reason === 'wrong-credentials')).toHaveLength(5)
      expect(reasons.filter((reason) => reason === 'too-many-attempts')).toHaveLength(95)
      expect(hashes() - before).toBe(5)
    }
  )

  test('an account over its limit refuses the right password, until the window has passed', async () => {
    const { signIn, accounts, clock } = await openAccounts({ limits: { passwordsPerAccount: 2, window: 900 } })
    await accounts.createIfAbsent(MARIA)
    await signIn.verify('maria', 'wrong', ADDRESS)
    await signIn.verify('maria', 'wrong', ADDRESS)
    expect(await signIn.verify('maria', PASSWORD, ADDRESS)).toMatchObject({ reason: 'too-many-attempts' })
    clock.now += 901_000
    expect(await signIn.verify('maria', PASSWORD, ADDRESS)).toMatchObject({ ok: true })
  })

  test('a right password clears the wrong ones before it', async () => {
    const { signIn, accounts } = await openAccounts({ limits: { passwordsPerAccount: 3 } })
    await accounts.createIfAbsent(MARIA)
    for (let round = 0; round < 3; round += 1) {
      await signIn.verify('maria', 'wrong', ADDRESS)
      await signIn.verify('maria', 'wrong', ADDRESS)
      expect(await signIn.verify('maria', PASSWORD, ADDRESS)).toMatchObject({ ok: true })
    }
  })

  test('one address has a limit of its own, over all names, and a right password does not clear it', async () => {
    const { signIn, accounts, hashes } = await openAccounts({ limits: { signInsPerAddress: 4 } })
    await accounts.createIfAbsent(MARIA)
    for (const username of ['a', 'b', 'c']) await signIn.verify(username, 'wrong', ADDRESS)
    expect(await signIn.verify('maria', PASSWORD, ADDRESS)).toMatchObject({ ok: true })
    expect(await signIn.verify('d', 'wrong', ADDRESS)).toMatchObject({ reason: 'wrong-credentials' })
    const before = hashes()
    expect(await signIn.verify('maria', PASSWORD, ADDRESS)).toMatchObject({ reason: 'too-many-attempts' })
    expect(hashes()).toBe(before)
    expect(await signIn.verify('maria', PASSWORD, '192.0.2.2')).toMatchObject({ ok: true })
  })

  test('typing the sub of an account as a name does not use up its tries', async () => {
    const { signIn, accounts, store } = await openAccounts({ limits: { passwordsPerAccount: 1 } })
    // Made of small letters, so that folding leaves it as it is.
    const sub = 'abcdefghijklmnopqrstuv'
    await store.create({ name: 'username', guessable: true }, 'maria', { sub })
    await accounts.createIfAbsent(MARIA)
    await signIn.verify(sub, 'wrong', ADDRESS)
    await signIn.verify(`sub:${sub}`, 'wrong', ADDRESS)
    expect(await signIn.verify('maria', PASSWORD, ADDRESS)).toMatchObject({ ok: true, account: { sub } })
  })

  test('a try that was answered with busy counts neither for the account nor for the address', async () => {
    const { signIn, accounts, hashes } = await openAccounts({
      queueLength: 1,
      limits: { passwordsPerAccount: 2, signInsPerAddress: 2 }
    })
    await accounts.createIfAbsent(MARIA)
    const before = hashes()
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => signIn.verify('maria', 'wrong', ADDRESS)))
    const reasons = outcomes.map((outcome) => (outcome.ok ? 'accepted' : outcome.reason))
    expect(reasons).toContain('busy')
    const checked = reasons.filter((reason) => reason === 'wrong-credentials').length
    expect(hashes() - before).toBe(checked)
    expect(checked).toBe(1)
    expect(await signIn.verify('maria', 'wrong', ADDRESS)).toMatchObject({ reason: 'wrong-credentials' })
    expect(await signIn.verify('maria', 'wrong', ADDRESS)).toMatchObject({ reason: 'too-many-attempts' })
  })

  test('a full queue is answered with busy and a time to come back', async () => {
    const { signIn, accounts } = await openAccounts({ queueLength: 1, limits: { passwordsPerAccount: 100 } })
    await accounts.createIfAbsent(MARIA)
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => signIn.verify('maria', PASSWORD, ADDRESS)))
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
    expect(outcomes).toContainEqual(expect.objectContaining({ ok: false, reason: 'busy', retryAfter: 2 }))
  })
})
