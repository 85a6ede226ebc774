/**
 * Case 140: each decision leaves exactly one record, under the id that its answer carried: UTC time, who, which app,
 * which patient, from where, outcome and reason. Here what people decide, one row for each kind, in the order of a visit.
 */
import { generate } from 'otplib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newApp, totpCode } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { PASSWORD } from '../harness/clinic-config.ts'
import { DECIDED, type Decision, expectOneRecord, GRANT_ID, HEART, LEO, subOf } from '../harness/decision.ts'
import { sendRaw } from '../harness/half-request.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { atStep, newWalk, type Walk } from '../harness/walk.ts'

describe.each(STORES)('case 140: what people decide, on %s', (store) => {
  let keyward: Keyward
  let maria: Walk
  /** Good once, and in its thirty seconds only: computed again it may be another. */
  let usedCode = ''
  let sub: Record<'maria' | 'john' | 'nobody' | 'dr.lee', string>
  beforeAll(async () => {
    keyward = await startKeyward({
      store,
      change: (config) => ({ ...config, limits: { ...config.limits, passwordsPerAccount: 3, codesPerAccount: 3 } })
    })
    expect(await storeOf(keyward.issuer)).toBe(store)
    maria = newWalk(keyward.issuer)
    const [one, two, three, four] = await Promise.all(['maria', 'john', 'nobody', 'dr.lee'].map((name) => subOf(keyward, name)))
    sub = { maria: one ?? '', john: two ?? '', nobody: three ?? '', 'dr.lee': four ?? '' }
  })
  afterAll(() => keyward.stop())

  /** The answer of the last of several. */
  const several = async (count: number, ask: () => Promise<Response>): Promise<Response> => {
    for (let done = 1; done < count; done++) await (await ask()).arrayBuffer()
    return ask()
  }

  const DECISIONS: Decision[] = [
    [
      'a form without its token',
      () => maria.start().then(() => maria.send({ username: 'maria', password: PASSWORD, csrf: '' })),
      () => ({ type: 'request', outcome: 'refused', reason: 'csrf' })
    ],
    [
      'another Host',
      async () => {
        const { answer } = await sendRaw(
          Number(new URL(keyward.issuer).port),
          'GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'
        )
        return new Response(null, { headers: { 'x-request-id': /x-request-id: (\S+)/i.exec(answer)?.[1] ?? '' } })
      },
      () => ({ type: 'request', outcome: 'refused', reason: 'host' })
    ],
    [
      'a step of another browser',
      () => newBrowser(keyward.issuer).send(maria.browser.page.url),
      () => ({ type: 'request', outcome: 'refused', reason: 'other-browser' })
    ],
    [
      'a wrong password',
      () => maria.send({ username: 'maria', password: 'wrong' }),
      () => ({ type: 'sign-in', outcome: 'refused', reason: 'wrong-credentials', accountId: sub.maria })
    ],
    [
      'an unknown name',
      () => maria.send({ username: 'who', password: 'wrong' }),
      () => ({ type: 'sign-in', outcome: 'refused', reason: 'wrong-credentials' })
    ],
    [
      'a name tried too often',
      () => several(4, () => maria.send({ username: 'ghost', password: 'wrong' })),
      () => ({ type: 'sign-in', outcome: 'refused', reason: 'too-many-attempts' })
    ],
    [
      'a disabled account',
      async () => {
        await keyward.store.update<object>({ name: 'account' }, sub.nobody, (account) => ({ ...account, disabled: true }))
        return maria.send({ username: 'nobody', password: PASSWORD })
      },
      () => ({ type: 'sign-in', outcome: 'refused', reason: 'account-disabled', accountId: sub.nobody })
    ],
    [
      'a right password',
      () => maria.send({ username: 'maria', password: PASSWORD }),
      () => ({ type: 'sign-in', outcome: 'accepted', accountId: sub.maria })
    ],
    [
      'a code that is none',
      () => maria.send({ code: 'abc' }),
      () => ({ type: 'second-factor', outcome: 'refused', reason: 'malformed', accountId: sub.maria })
    ],
    [
      'a wrong code',
      () => maria.send({ code: '000000' }),
      () => ({ type: 'second-factor', outcome: 'refused', reason: 'wrong-code', accountId: sub.maria })
    ],
    [
      'a right code',
      async () => {
        usedCode = await totpCode('maria')
        return maria.send({ code: usedCode })
      },
      () => ({ type: 'second-factor', outcome: 'accepted', accountId: sub.maria })
    ],
    [
      'a code a second time',
      async () => {
        const other = await atStep(keyward.issuer, { username: 'maria', password: PASSWORD })
        return other.send({ code: usedCode })
      },
      () => ({ type: 'second-factor', outcome: 'refused', reason: 'code-used', accountId: sub.maria })
    ],
    [
      'codes tried too often',
      async () => {
        const other = await atStep(keyward.issuer, { username: 'dr.lee', password: PASSWORD })
        return several(4, () => other.send({ code: '000000' }))
      },
      () => ({ type: 'second-factor', outcome: 'refused', reason: 'too-many-attempts', accountId: sub['dr.lee'] })
    ],
    [
      'an enrolment with a wrong code',
      async () => (await atStep(keyward.issuer, { username: 'john', password: PASSWORD })).send({ code: '000000' }),
      () => ({ type: 'second-factor-enrolment', outcome: 'refused', reason: 'wrong-code', accountId: sub.john })
    ],
    [
      'an enrolment',
      async () => {
        const other = await atStep(keyward.issuer, { username: 'john', password: PASSWORD })
        const account = await keyward.store.get<{ totp: { secret: string } }>({ name: 'account' }, sub.john)
        return other.send({ code: await generate({ secret: account?.totp.secret ?? '' }) })
      },
      () => ({ type: 'second-factor-enrolment', outcome: 'accepted', accountId: sub.john })
    ],
    [
      "a patient who is not this person's to share",
      () => maria.send({ patient: 'ana' }),
      () => ({
        type: 'patient-choice',
        outcome: 'refused',
        reason: 'not-permitted',
        accountId: sub.maria,
        ...HEART,
        patient: 'ana'
      })
    ],
    [
      'a patient',
      () => maria.send({ patient: 'leo' }),
      () => ({ type: 'patient-choice', outcome: 'accepted', accountId: sub.maria, ...LEO })
    ],
    [
      'a No',
      () => maria.send({ decision: 'deny' }, { follow: false }),
      () => ({
        type: 'consent',
        outcome: 'refused',
        reason: 'denied-by-person',
        accountId: sub.maria,
        ...LEO,
        scopes: [],
        notGranted: DECIDED
      })
    ],
    [
      'the answer to the app that was denied',
      () => maria.resume(),
      () => ({
        type: 'authorization',
        outcome: 'refused',
        reason: expect.stringMatching(/^access_denied/),
        accountId: sub.maria,
        clientId: 'heart-app'
      })
    ],
    [
      'a Yes',
      async () => {
        await maria.start()
        await maria.send({ patient: 'leo' })
        return maria.send({ decision: 'allow' }, { follow: false })
      },
      () => ({
        type: 'consent',
        outcome: 'granted',
        accountId: sub.maria,
        ...LEO,
        scopes: DECIDED,
        notGranted: [],
        consentId: expect.any(String)
      })
    ],
    [
      'the code',
      () => maria.resume(),
      () => ({ type: 'authorization', outcome: 'granted', accountId: sub.maria, ...LEO, scopes: DECIDED, grantId: GRANT_ID })
    ],
    [
      'an authorization request that is refused',
      () => fetch(maria.app.authorizationUrl({ aud: 'https://evil.example' }), { redirect: 'manual' }),
      () => ({ type: 'authorization', outcome: 'refused', reason: 'invalid_request', clientId: 'heart-app' })
    ],
    [
      'Stop',
      async () => {
        await maria.browser.open(`${keyward.issuer}/account`)
        return maria.send({})
      },
      () => ({ type: 'access-ended', outcome: 'ended', accountId: sub.maria, consentId: expect.any(String), ...LEO })
    ],
    [
      'a sign-out',
      async () => {
        await maria.browser.open(`${keyward.issuer}/account`)
        return maria.send({}, { form: 'sign-out' })
      },
      () => ({ type: 'sign-out', outcome: 'ended', accountId: sub.maria })
    ]
  ]
  test.each(DECISIONS)('%s', (...decision) => expectOneRecord(keyward, decision))

  test('what decides nothing leaves no record', async () => {
    const before = (await keyward.audit()).length
    for (const path of ['/jwks', '/.well-known/openid-configuration', '/livez', '/readyz', '/style.css', '/nothing'])
      await (await fetch(`${keyward.issuer}${path}`)).arrayBuffer()
    await newBrowser(keyward.issuer).open(newApp(keyward.issuer).authorizationUrl())
    expect((await keyward.audit()).length).toBe(before)
  })
})
