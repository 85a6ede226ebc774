import { describe, expect, test } from 'vitest'
import { checkNewPassword } from '../../../src/accounts/new-password.ts'
import { createPasswords, HashingBusy } from '../../../src/accounts/password.ts'
import { MARIA, openAccounts, PASSWORD } from './open-accounts.ts'

async function countingPasswords(queueLength = 32) {
  let computed = 0
  const passwords = await createPasswords({
    queueLength,
    onHash: () => {
      computed += 1
    }
  })
  return { passwords, hashes: () => computed }
}

describe('password hashes', () => {
  test('case 100: a hash is argon2id with m=19456, t=2, p=1 and a salt of its own', async () => {
    const { passwords } = await countingPasswords()
    const [one, other] = [await passwords.hash(PASSWORD), await passwords.hash(PASSWORD)]
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$[\w+/]{22}\$[\w+/]{43}$/)
    expect(one.split('$')[4]).not.toBe(other.split('$')[4])
    expect(passwords.needsRehash(one)).toBe(false)
  })

  test('case 100: signing in re-hashes once the policy has risen, and the password still works', async () => {
    const { accounts, signIn } = await openAccounts()
    const weak = await createPasswords({ cost: { memoryCost: 8192, timeCost: 1, parallelism: 1 } })
    const { sub } = await accounts.createIfAbsent(MARIA)
    const oldHash = await weak.hash(PASSWORD)
    await accounts.update(sub, (current) => ({ ...current, passwordHash: oldHash }))
    await signIn.verify('maria', 'not the password', '192.0.2.1')
    expect((await accounts.find(sub))?.passwordHash).toBe(oldHash)
    expect(await signIn.verify('maria', PASSWORD, '192.0.2.1')).toMatchObject({ ok: true })
    const newHash = (await accounts.find(sub))?.passwordHash
    expect(newHash).toContain('$m=19456,p=1,t=2$')
    expect(await signIn.verify('maria', PASSWORD, '192.0.2.1')).toMatchObject({ ok: true })
    expect((await accounts.find(sub))?.passwordHash).toBe(newHash)
  })

  test.each([
    ['a passphrase with spaces', ' correct horse battery staple '],
    ['64 characters', 'a1'.repeat(32)],
    ['200 characters', 'kä'.repeat(100)],
    ['characters outside the basic plane', '🐴🔋 пароль 密码 كلمة'],
    ['1024 bytes', 'x'.repeat(1024)]
  ])('case 101: %s is a password', async (_what, password) => {
    const { passwords } = await countingPasswords()
    const hash = await passwords.hash(password)
    expect(await passwords.verify(hash, password)).toBe('match')
    expect(await passwords.verify(hash, `${password.slice(0, -1)}!`)).toBe('mismatch')
    expect(await passwords.verify(hash, password.trim().slice(1))).toBe('mismatch')
  })

  test('case 101: what follows the 72nd byte counts', async () => {
    const { passwords } = await countingPasswords()
    const hash = await passwords.hash(`${'x'.repeat(72)}tail`)
    expect(await passwords.verify(hash, 'x'.repeat(72))).toBe('mismatch')
    expect(await passwords.verify(hash, `${'x'.repeat(72)}toil`)).toBe('mismatch')
  })

  test('case 101: two Unicode forms of one password are the same password', async () => {
    const { passwords } = await countingPasswords()
    const hash = await passwords.hash('caf\u00e9 au lait, s\u2019il vous pla\u00eet')
    expect(await passwords.verify(hash, 'cafe\u0301 au lait, s\u2019il vous plai\u0302t')).toBe('match')
  })

  test('case 101: a password of 1 MB is refused before hashing, for known and unknown accounts', async () => {
    const { passwords, hashes } = await countingPasswords()
    const hash = await passwords.hash(PASSWORD)
    const megabyte = 'x'.repeat(1_048_576)
    expect(await passwords.verify(hash, megabyte)).toBe('mismatch')
    expect(await passwords.verify(undefined, megabyte)).toBe('mismatch')
    await expect(passwords.hash(megabyte)).rejects.toThrow(RangeError)
    // Bytes are counted, not characters.
    expect(await passwords.verify(hash, '密'.repeat(342))).toBe('mismatch')
    expect(hashes()).toBe(1)
  })

  test('an unknown account costs one hash and never matches', async () => {
    const { passwords, hashes } = await countingPasswords()
    expect(await passwords.verify(undefined, PASSWORD)).toBe('mismatch')
    expect(hashes()).toBe(1)
  })

  test('a full queue answers busy at once, and works again when it has emptied', async () => {
    const { passwords, hashes } = await countingPasswords(3)
    const hash = await passwords.hash(PASSWORD)
    const answers = await Promise.all(Array.from({ length: 10 }, () => passwords.verify(hash, PASSWORD)))
    expect(answers).toEqual([...Array(3).fill('match'), ...Array(7).fill('busy')])
    expect(hashes()).toBe(4)
    const filling = [1, 2, 3].map(() => passwords.verify(hash, PASSWORD))
    await expect(passwords.hash(PASSWORD)).rejects.toThrow(HashingBusy)
    await Promise.all(filling)
    expect(await passwords.verify(hash, PASSWORD)).toBe('match')
  })

  test('one hash is computed at a time', async () => {
    const { passwords, hashes } = await countingPasswords()
    const hash = await passwords.hash(PASSWORD)
    const startedWhenDone: number[] = []
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        await passwords.verify(hash, PASSWORD)
        startedWhenDone.push(hashes() - 1)
      })
    )
    // When the n-th is done, the one after it may have been started, and no other.
    expect(startedWhenDone).toHaveLength(4)
    for (const [done, started] of startedWhenDone.entries()) expect(started).toBeLessThanOrEqual(done + 2)
  })

  test('a hash that fails does not stop the next', async () => {
    const { passwords } = await countingPasswords(2)
    const hash = await passwords.hash(PASSWORD)
    const broken = passwords.verify('not a hash', PASSWORD)
    const next = passwords.verify(hash, PASSWORD)
    await expect(broken).rejects.toThrow()
    expect(await next).toBe('match')
    expect(await Promise.all([passwords.verify(hash, PASSWORD), passwords.verify(hash, PASSWORD)])).toEqual(['match', 'match'])
  })
})

describe('new passwords', () => {
  const alone = { hasSecondFactor: false, context: [] }
  const withFactor = { hasSecondFactor: true, context: [] }
  test.each([
    ['14 characters alone', 'k'.repeat(14), alone, { ok: false, reason: 'too-short', atLeast: 15 }],
    ['15 characters alone', 'rain on a tin r', alone, { ok: true }],
    ['7 characters with a second factor', 'rain on', withFactor, { ok: false, reason: 'too-short', atLeast: 8 }],
    ['8 characters with a second factor', 'rain on ', withFactor, { ok: true }],
    ['7 characters in 28 bytes', '🐴🔋🐴🔋🐴🔋🐴', withFactor, { ok: false, reason: 'too-short', atLeast: 8 }],
    ['digits only, no rule of composition', '926351470838215', alone, { ok: true }],
    ['1 MB', 'x'.repeat(1_048_576), alone, { ok: false, reason: 'too-long' }],
    [
      'the user name and a year',
      'Maria.Diaz2024',
      { ...withFactor, context: ['maria', 'Maria Diaz'] },
      { ok: false, reason: 'context-words' }
    ],
    ['a sentence with the user name', 'maria sings in the rain', { ...alone, context: ['maria'] }, { ok: true }],
    ['short words of a name', 'correct lee horse', { ...alone, context: ['Dr Ana Lee'] }, { ok: true }]
  ])('case 101: %s', (_what, password, circumstances, outcome) => {
    expect(checkNewPassword(password, circumstances)).toEqual(outcome)
  })
})
