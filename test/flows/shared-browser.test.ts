import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorize, introspect } from '../harness/app-client.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newVisit, recorded, tokensIn, withoutSecondFactor } from '../harness/visit.ts'

describe.each(STORES)('a browser that two people share, on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({ store, change: withoutSecondFactor })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward.stop())

  const LEE = { username: 'dr.lee' } as const
  const ASKED = { scope: 'openid fhirUser user/Patient.rs', prompt: 'login' }

  test('whoever signs in anew is asked, answered and named; the session of the one before is ended', async () => {
    const visit = newVisit(keyward)
    const maria = await visit.tokens({ scope: 'openid fhirUser online_access launch/patient patient/Patient.rs' })
    let redeemed = maria
    const records = await recorded(keyward, async () => {
      redeemed = await visit.tokens(ASKED, LEE)
    })
    const [mariaSub, leeSub] = [maria, redeemed].map(({ response: { body } }) => subOf(body.id_token ?? ''))
    expect(leeSub).not.toBe(mariaSub)
    expect(redeemed.response.body).not.toHaveProperty('patient')
    expect((await introspect(keyward.issuer, redeemed.access)).body).toMatchObject({ active: true, sub: leeSub })
    expect(records.map(({ event }) => event)).toContainEqual({ type: 'sign-out', outcome: 'ended', accountId: mariaSub })

    // What lived by that session has ended with it.
    expect((await introspect(keyward.issuer, maria.access)).text).toBe('{"active":false}')
    expect((await visit.app.refresh(maria.refresh)).body.error).toBe('invalid_grant')
    const account = await visit.browser.open(`${keyward.issuer}/account`)
    expect(account.html).toContain('Dr Ana Lee')
    expect(account.html).not.toContain('Maria Diaz')
  })

  test('the one before may sign in again, in the same browser, and finds what was decided', async () => {
    const visit = newVisit(keyward)
    const { access, refresh } = await visit.tokens()
    await visit.tokens(ASKED, LEE)
    expect((await introspect(keyward.issuer, access)).body.active).toBe(true)
    const again = await authorize(visit.browser, visit.app.authorizationUrl({ prompt: 'login' }))
    const { response } = tokensIn(await visit.app.redeem(visit.app.codeFrom(again)))
    expect(response.body.patient).toBe('leo')
    expect((await visit.app.refresh(refresh)).status).toBe(200)
  })

  test('the same person, asked for the password once more, keeps the session and what lives by it', async () => {
    const visit = newVisit(keyward)
    const scope = 'openid online_access launch/patient patient/Patient.rs'
    const { access, refresh } = await visit.tokens({ scope })
    const before = (await keyward.auditEvents('sign-in')).length
    await visit.tokens({ scope, prompt: 'login' })
    expect(await keyward.auditEvents('sign-in')).toHaveLength(before + 1)
    expect((await introspect(keyward.issuer, access)).body.active).toBe(true)
    expect((await visit.app.refresh(refresh)).status).toBe(200)
  })

  test('a wrong password leaves the session as it was', async () => {
    const visit = newVisit(keyward)
    await visit.code()
    await visit.browser.open(visit.app.authorizationUrl({ prompt: 'login' }))
    await visit.browser.submit({ username: 'dr.lee', password: 'wrong' })
    expect((await visit.browser.open(`${keyward.issuer}/account`)).html).toContain('Maria Diaz')
  })
})

function subOf(idToken: string): string {
  const { sub }: { sub: string } = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString())
  return sub
}
