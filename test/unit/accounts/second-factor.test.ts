import { generate } from 'otplib'
import { describe, expect, test } from 'vitest'
import { accountOf, MARIA, openAccounts, PASSWORD, TOTP_SECRET } from './open-accounts.ts'

const STEP = 30_000
const HERE = '192.0.2.1'

/** Of an enrolment: what is recorded here is looked at in test/flows. */
const recorded = async (): Promise<void> => undefined

/** The code that an app shows at a moment. */
const codeAt = (now: number, secret = TOTP_SECRET) => generate({ secret, epoch: Math.floor(now / 1000) })

async function openEnrolled(codesPerAccount = 5) {
  const opened = await openAccounts({ limits: { codesPerAccount } })
  const { sub } = await opened.accounts.createIfAbsent(MARIA)
  return { ...opened, sub }
}

async function openNotEnrolled(codesPerAccount = 5) {
  const opened = await openAccounts({ limits: { codesPerAccount } })
  const { totp: _, ...withoutTotp } = MARIA
  const { sub } = await opened.accounts.createIfAbsent(withoutTotp)
  return { ...opened, sub }
}

describe('verifying a code', () => {
  test('case 110: the same code twice in sequence: accepted once, on this replica and after a restart', async () => {
    const { secondFactor, sub, clock, replica } = await openEnrolled()
    const code = await codeAt(clock.now)
    expect(await secondFactor.verify(sub, code, HERE)).toEqual({ ok: true })
    expect(await secondFactor.verify(sub, code, HERE)).toEqual({ ok: false, reason: 'code-used' })
    const restarted = await replica()
    expect(await restarted.secondFactor.verify(sub, code, HERE)).toEqual({ ok: false, reason: 'code-used' })
    clock.now += STEP
    expect(await restarted.secondFactor.verify(sub, code, HERE)).toEqual({ ok: false, reason: 'code-used' })
    expect(await restarted.secondFactor.verify(sub, await codeAt(clock.now), HERE)).toEqual({ ok: true })
  })

  test('case 110: the same code 25 times at once on two replicas: accepted exactly once', async () => {
    const { secondFactor, sub, clock, replica } = await openEnrolled(100)
    const other = await replica()
    const code = await codeAt(clock.now)
    const outcomes = await Promise.all(
      Array.from({ length: 25 }, (_, n) => (n % 2 ? secondFactor : other.secondFactor).verify(sub, code, HERE))
    )
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
    expect(outcomes.filter((outcome) => !outcome.ok && outcome.reason === 'code-used')).toHaveLength(24)
  })

  test('D9: after a fence the codes of its step and of the one before are refused, that of the next is not', async () => {
    const { secondFactor, sub, clock, fence } = await openEnrolled()
    fence.raise(clock.now + 1000)
    for (const at of [clock.now - STEP, clock.now])
      expect(await secondFactor.verify(sub, await codeAt(at), HERE)).toEqual({ ok: false, reason: 'code-used' })
    clock.now += STEP
    expect(await secondFactor.verify(sub, await codeAt(clock.now), HERE)).toEqual({ ok: true })
  })

  test('case 111: after step T the code of T-1 is refused', async () => {
    const { secondFactor, sub, clock } = await openEnrolled()
    expect(await secondFactor.verify(sub, await codeAt(clock.now), HERE)).toEqual({ ok: true })
    expect(await secondFactor.verify(sub, await codeAt(clock.now - STEP), HERE)).toEqual({ ok: false, reason: 'code-used' })
  })

  test('case 111: after step T+1 the code of T is refused', async () => {
    const { secondFactor, sub, clock } = await openEnrolled()
    expect(await secondFactor.verify(sub, await codeAt(clock.now + STEP), HERE)).toEqual({ ok: true })
    expect(await secondFactor.verify(sub, await codeAt(clock.now), HERE)).toEqual({ ok: false, reason: 'code-used' })
  })

  test.each([
    [-2, 0, false],
    [-2, 29_999, false],
    [-1, 0, true],
    [-1, 29_999, true],
    [0, 0, true],
    [0, 29_999, true],
    [1, 0, true],
    [1, 29_999, true],
    [2, 0, false],
    [2, 29_999, false]
  ])('case 112: the code of step %i, %i ms into the step of the server clock: accepted %s', async (step, into, accepted) => {
    const { secondFactor, sub, clock } = await openEnrolled()
    clock.now = 1_800_000_000_000 + into
    const outcome = await secondFactor.verify(sub, await codeAt(1_800_000_000_000 + step * STEP), HERE)
    expect(outcome).toEqual(accepted ? { ok: true } : { ok: false, reason: 'wrong-code' })
  })

  test('case 113: wrong codes lock the code step, and the right password does not unlock it', async () => {
    const { secondFactor, signIn, sub, clock } = await openEnrolled(5)
    const wrong = await codeAt(clock.now + 100 * STEP)
    const reasons: string[] = []
    const tenWrong = async () => {
      for (let n = 0; n < 10; n += 1) {
        const outcome = await secondFactor.verify(sub, wrong, HERE)
        reasons.push(outcome.ok ? 'accepted' : outcome.reason)
      }
    }
    await tenWrong()
    expect(await signIn.verify('maria', PASSWORD, '192.0.2.1')).toMatchObject({ ok: true })
    await tenWrong()
    expect(reasons.filter((reason) => reason === 'wrong-code')).toHaveLength(5)
    expect(reasons.slice(5)).toEqual(Array(15).fill('too-many-attempts'))
    const right = await secondFactor.verify(sub, await codeAt(clock.now), HERE)
    expect(right).toMatchObject({ ok: false, reason: 'too-many-attempts', retryAfter: expect.any(Number) })
  })

  test('case 113: of 100 wrong codes at once, no more than the limit are compared', async () => {
    const { secondFactor, sub, clock } = await openEnrolled(5)
    const wrong = await codeAt(clock.now + 100 * STEP)
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => secondFactor.verify(sub, wrong, HERE)))
    expect(outcomes.filter((outcome) => !outcome.ok && outcome.reason === 'wrong-code')).toHaveLength(5)
  })

  test('case 113: a right code clears the wrong ones before it; a used one does not', async () => {
    const { secondFactor, sub, clock } = await openEnrolled(3)
    const wrong = await codeAt(clock.now + 100 * STEP)
    const right = await codeAt(clock.now)
    await secondFactor.verify(sub, wrong, HERE)
    await secondFactor.verify(sub, wrong, HERE)
    expect(await secondFactor.verify(sub, right, HERE)).toEqual({ ok: true })
    for (let n = 0; n < 3; n += 1) expect(await secondFactor.verify(sub, right, HERE)).toEqual({ ok: false, reason: 'code-used' })
    expect(await secondFactor.verify(sub, right, HERE)).toMatchObject({ reason: 'too-many-attempts' })
  })

  // A form can't send an array; whatever reads one must not trip over it either.
  const array: string = JSON.parse('["123456"]')
  test.each([
    ['an array', array],
    ['7 digits', '1234567'],
    ['5 digits', '12345'],
    ['letters', 'abcdef'],
    ['full-width digits', '１２３４５６'],
    ['Arabic-Indic digits', '١٢٣٤٥٦'],
    ['empty', ''],
    ['spaces', '      '],
    ['a sign', '+12345'],
    ['a number in another notation', '1e5000'],
    ['a line break after', '123456\n'],
    ['a null byte', '12345\u0000'],
    ['a megabyte', '1'.repeat(1_048_576)]
  ])('case 119: a code that is %s is malformed, not an exception, and not counted', async (_what, code) => {
    const { secondFactor, sub, clock } = await openEnrolled(1)
    expect(await secondFactor.verify(sub, code, HERE)).toEqual({ ok: false, reason: 'malformed' })
    expect(await secondFactor.confirmEnrolment(sub, code, HERE, recorded)).toEqual({ ok: false, reason: 'malformed' })
    expect(await secondFactor.verify(sub, await codeAt(clock.now), HERE)).toEqual({ ok: true })
  })

  test('a code may be typed in two groups, as apps show it', async () => {
    const { secondFactor, sub, clock } = await openEnrolled()
    const code = await codeAt(clock.now)
    expect(await secondFactor.verify(sub, ` ${code.slice(0, 3)} ${code.slice(3)} `, HERE)).toEqual({ ok: true })
  })

  test('a disabled account and one that does not exist accept no code', async () => {
    const { secondFactor, accounts, sub, clock } = await openEnrolled()
    await accounts.setDisabled(sub, true)
    expect(await secondFactor.verify(sub, await codeAt(clock.now), HERE)).toEqual({ ok: false, reason: 'wrong-code' })
    expect(await secondFactor.verify('nobody', await codeAt(clock.now), HERE)).toEqual({ ok: false, reason: 'wrong-code' })
  })
})

describe('enrolment', () => {
  test('the key is 160 random bits, stays the same until it is confirmed, and is what the QR code says', async () => {
    const { secondFactor, accounts, sub, replica } = await openNotEnrolled()
    const account = await accountOf(accounts, sub)
    const other = await replica()
    const begun = await Promise.all(
      [secondFactor, other.secondFactor, secondFactor].map((factor) => factor.beginEnrolment(account))
    )
    const [{ secret, uri } = { secret: '', uri: '' }] = begun
    expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    expect(begun).toEqual(Array(3).fill({ secret, uri }))
    expect(uri).toMatch(/^otpauth:\/\/totp\/Sample%20Clinic:maria\?/)
    expect(new URL(uri).searchParams.get('secret')).toBe(secret)
    expect(secondFactor.isEnrolled(await accountOf(accounts, sub))).toBe(false)
  })

  test('case 110: the code that confirms the enrolment is no good for signing in', async () => {
    const { secondFactor, accounts, sub, clock } = await openNotEnrolled()
    const { secret } = await secondFactor.beginEnrolment(await accountOf(accounts, sub))
    const code = await codeAt(clock.now, secret)
    expect(await secondFactor.confirmEnrolment(sub, code, HERE, recorded)).toEqual({ ok: true })
    expect(secondFactor.isEnrolled(await accountOf(accounts, sub))).toBe(true)
    expect(await secondFactor.verify(sub, code, HERE)).toEqual({ ok: false, reason: 'code-used' })
    expect(await secondFactor.confirmEnrolment(sub, code, HERE, recorded)).toEqual({ ok: false, reason: 'code-used' })
    clock.now += STEP
    expect(await secondFactor.verify(sub, await codeAt(clock.now, secret), HERE)).toEqual({ ok: true })
  })

  test('case 110: one code confirms one enrolment, though it arrive 25 times at once', async () => {
    const { secondFactor, accounts, sub, clock } = await openNotEnrolled(100)
    const { secret } = await secondFactor.beginEnrolment(await accountOf(accounts, sub))
    const code = await codeAt(clock.now, secret)
    const outcomes = await Promise.all(Array.from({ length: 25 }, () => secondFactor.confirmEnrolment(sub, code, HERE, recorded)))
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
  })

  test('case 113: wrong codes at enrolment are counted with those at signing in', async () => {
    const { secondFactor, accounts, sub, clock } = await openNotEnrolled(2)
    const { secret } = await secondFactor.beginEnrolment(await accountOf(accounts, sub))
    const wrong = await codeAt(clock.now + 100 * STEP, secret)
    expect(await secondFactor.confirmEnrolment(sub, wrong, HERE, recorded)).toEqual({ ok: false, reason: 'wrong-code' })
    expect(await secondFactor.verify(sub, wrong, HERE)).toEqual({ ok: false, reason: 'wrong-code' })
    expect(await secondFactor.confirmEnrolment(sub, await codeAt(clock.now, secret), HERE, recorded)).toMatchObject({
      reason: 'too-many-attempts'
    })
  })

  test('a key that is not confirmed verifies nothing', async () => {
    const { secondFactor, accounts, sub, clock } = await openNotEnrolled()
    const { secret } = await secondFactor.beginEnrolment(await accountOf(accounts, sub))
    expect(await secondFactor.verify(sub, await codeAt(clock.now, secret), HERE)).toEqual({ ok: false, reason: 'wrong-code' })
  })

  test('case 115: enrolment can neither be begun nor confirmed again by an enrolled account', async () => {
    const { secondFactor, accounts, sub, clock } = await openEnrolled()
    await expect(secondFactor.beginEnrolment(await accountOf(accounts, sub))).rejects.toThrow('second factor already')
    expect(await secondFactor.confirmEnrolment(sub, await codeAt(clock.now), HERE, recorded)).toEqual({
      ok: false,
      reason: 'code-used'
    })
    expect((await accountOf(accounts, sub)).totp).toEqual({ secret: TOTP_SECRET, lastStep: 0, confirmed: true })
  })
})

describe('policy', () => {
  test.each([
    ['required', 'off', true, true],
    ['required', 'off', false, true],
    ['optional', 'off', true, true],
    ['optional', 'off', false, false],
    ['off', 'required', true, false],
    ['off', 'required', false, false]
  ] as const)(
    'patients %s, clinicians %s, enrolled %s: a patient needs a code: %s',
    async (patients, clinicians, enrolled, required) => {
      const { accounts, secondFactor } = await openAccounts({ policy: { patients, clinicians, developers: 'required' } })
      const { totp, ...withoutTotp } = MARIA
      const patient = await accounts.createIfAbsent(enrolled ? MARIA : withoutTotp)
      expect(secondFactor.isMissing(patient, ['pwd'])).toBe(required)
      expect(secondFactor.isMissing({ ...patient, role: 'clinician' }, undefined)).toBe(clinicians === 'required')
      expect(secondFactor.isMissing({ ...patient, role: 'clinician' }, ['pwd', 'otp'])).toBe(false)
      expect(totp).toBe(TOTP_SECRET)
    }
  )
})

describe('limits beyond the account and the window', () => {
  test('case 113: after 100 wrong codes in a row even the right one is refused, however long they took', async () => {
    const { secondFactor, sub, clock } = await openEnrolled(1000)
    const wrong = (await codeAt(clock.now)) === '000000' ? '000001' : '000000'
    for (let n = 0; n < 100; n += 1) {
      if (n % 10 === 0) clock.now += 24 * 60 * 60 * 1000
      expect(await secondFactor.verify(sub, wrong, `192.0.2.${n}`)).toEqual({ ok: false, reason: 'wrong-code' })
    }
    clock.now += 365 * 24 * 60 * 60 * 1000
    // And no time is named after which it would be taken.
    expect(await secondFactor.verify(sub, await codeAt(clock.now), HERE)).toEqual({ ok: false, reason: 'too-many-attempts' })
  })

  test('codes are counted by address too: one address that tries many accounts is refused', async () => {
    const { accounts, secondFactor } = await openAccounts({ limits: { signInsPerAddress: 3 } })
    for (let n = 0; n < 3; n += 1) {
      const { sub } = await accounts.createIfAbsent({ ...MARIA, username: `maria-${n}` })
      expect(await secondFactor.verify(sub, '000000', HERE)).toMatchObject({ reason: 'wrong-code' })
    }
    const { sub } = await accounts.createIfAbsent({ ...MARIA, username: 'maria-3' })
    expect(await secondFactor.verify(sub, '000000', HERE)).toMatchObject({ reason: 'too-many-attempts' })
    expect(await secondFactor.verify(sub, '000000', '192.0.2.2')).toMatchObject({ reason: 'wrong-code' })
  })
})
