import { describe, expect, test } from 'vitest'
import { MARIA, openAccounts } from './open-accounts.ts'

describe('accounts', () => {
  test('a new account is found by its sub and by its user name', async () => {
    const { accounts, clock } = await openAccounts()
    const created = await accounts.createIfAbsent(MARIA)
    expect(created).toMatchObject({ username: 'maria', role: 'patient', disabled: false, createdAt: clock.now })
    expect(created.totp).toEqual({ secret: MARIA.totp, lastStep: 0, confirmed: true })
    expect(await accounts.find(created.sub)).toEqual(created)
    expect(await accounts.findByUsername('maria')).toEqual(created)
  })

  test('a sub is 128 random bits and does not hold the user name', async () => {
    const { accounts } = await openAccounts()
    const maria = await accounts.createIfAbsent(MARIA)
    const other = await accounts.createIfAbsent({ ...MARIA, username: 'other' })
    expect(maria.sub).toMatch(/^[\w-]{22}$/)
    expect(maria.sub).not.toBe(other.sub)
  })

  test('creating again changes nothing and computes no hash', async () => {
    const { accounts, hashes } = await openAccounts()
    const first = await accounts.createIfAbsent(MARIA)
    const computed = hashes()
    expect(await accounts.createIfAbsent({ ...MARIA, password: 'another password altogether', name: 'Mary' })).toEqual(first)
    expect(hashes()).toBe(computed)
  })

  test('two processes that start at once make one account', async () => {
    const { accounts, replica } = await openAccounts()
    const other = await replica()
    const made = await Promise.all([
      accounts.createIfAbsent(MARIA),
      other.accounts.createIfAbsent(MARIA),
      accounts.createIfAbsent(MARIA)
    ])
    expect(new Set(made.map(({ sub }) => sub)).size).toBe(1)
    expect(made[1]).toEqual(made[0])
    expect(await other.accounts.findByUsername('maria')).toEqual(made[0])
  })

  test('a name whose account was never written, because the process died, is completed at the next start', async () => {
    const { accounts, store } = await openAccounts()
    await store.create({ name: 'username', guessable: true }, 'maria', { sub: 'sub-from-before-the-crash' })
    expect(await accounts.findByUsername('maria')).toBeUndefined()
    expect(await accounts.createIfAbsent(MARIA)).toMatchObject({ sub: 'sub-from-before-the-crash', username: 'maria' })
    expect(await accounts.findByUsername('maria')).toMatchObject({ sub: 'sub-from-before-the-crash' })
  })

  test.each(['JOHN', 'john ', 'ｊｏｈｎ', 'jo\u200bhn'])('case 103: %j is the account of John', async (username) => {
    const { accounts } = await openAccounts()
    const john = await accounts.createIfAbsent({ ...MARIA, username: 'John' })
    expect(await accounts.findByUsername(username)).toEqual(john)
    expect(await accounts.createIfAbsent({ ...MARIA, username })).toEqual(john)
  })

  test('an account is disabled and enabled; one that does not exist is a fault', async () => {
    const { accounts } = await openAccounts()
    const { sub } = await accounts.createIfAbsent(MARIA)
    await accounts.setDisabled(sub, true)
    expect(await accounts.find(sub)).toMatchObject({ disabled: true })
    await accounts.setDisabled(sub, false)
    expect(await accounts.find(sub)).toMatchObject({ disabled: false })
    await expect(accounts.setDisabled('nobody', true)).rejects.toThrow('no such account')
  })

  test.each(['JBSWY3DPEHPK3PXP', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PX1', ''.padEnd(32, 'ä')])(
    'a TOTP key that no app could use is refused: %j',
    async (totp) => {
      const { accounts } = await openAccounts()
      await expect(accounts.createIfAbsent({ ...MARIA, totp })).rejects.toThrow('TOTP key')
      expect(await accounts.findByUsername('maria')).toBeUndefined()
    }
  )

  test('a TOTP key may be written in groups and in small letters', async () => {
    const { accounts } = await openAccounts()
    const { totp } = await accounts.createIfAbsent({ ...MARIA, totp: 'jbsw y3dp ehpk 3pxp jbsw y3dp ehpk 3pxp' })
    expect(totp?.secret).toBe(MARIA.totp)
  })
})
