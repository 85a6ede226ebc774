import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createAccounts } from '../../src/accounts/accounts.ts'
import { createPasswords } from '../../src/accounts/password.ts'
import { createClients } from '../../src/clients/clients.ts'
import { introspect } from '../harness/app-client.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { walkTo } from '../harness/on-pages.ts'
import { newVisit, pressAtAccount, withoutSecondFactor } from '../harness/visit.ts'

describe.each(STORES)('decisions against each other, on %s', (store) => {
  let keyward: Keyward
  let beforeDeciding: (() => Promise<void>) | undefined
  beforeAll(async () => {
    keyward = await startKeyward({
      store,
      change: withoutSecondFactor,
      wrapStore: (inner) => ({
        ...inner,
        async commit(writes) {
          if (writes.some(({ kind }) => kind.name === 'consent')) await beforeDeciding?.()
          return inner.commit(writes)
        }
      })
    })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterEach(() => {
    beforeDeciding = undefined
  })
  afterAll(() => keyward.stop())

  test('what was stopped stays stopped, although a further decision is under way', async () => {
    const visit = newVisit(keyward)
    const { access, refresh } = await visit.tokens()
    await walkTo(visit.browser, visit.app.authorizationUrl({ prompt: 'consent' }), 'consent')
    const { action, hidden } = visit.browser.form()
    const held = Promise.withResolvers<void>()
    const reached = new Promise<void>((resolve) => {
      beforeDeciding = () => {
        resolve()
        return held.promise
      }
    })
    const body = new URLSearchParams({ ...hidden, decision: 'allow', scope: 'patient/Patient.rs' })
    const deciding = visit.browser.send(action, { method: 'POST', body })
    await reached
    beforeDeciding = undefined
    await pressAtAccount(visit, keyward, 'stop')
    held.resolve()
    const callback = await visit.browser.open((await deciding).headers.get('location') ?? '')

    expect((await introspect(keyward.issuer, access)).text).toBe('{"active":false}')
    expect((await visit.app.refresh(refresh)).body.error).toBe('invalid_grant')
    // The decision itself was taken after the stop: it counts, under an id that the trail knows.
    const { body: tokens } = await visit.app.redeem(visit.app.codeFrom(callback))
    expect((await introspect(keyward.issuer, tokens.access_token ?? '')).body).toMatchObject({ active: true })
    const { consentId: stopped } = (await keyward.auditEvents('access-ended')).at(-1) ?? {}
    const { consentId: begun } = (await keyward.auditEvents('consent')).at(-1) ?? {}
    expect(begun).toEqual(expect.stringMatching(/^[\w-]{22}$/))
    expect(begun).not.toBe(stopped)
  })

  describe('nobody decides on a page that was open before an operator disabled', () => {
    test.each(['the account', 'the app'])('%s', async (what) => {
      const { store, config, issuer } = keyward
      const accounts = createAccounts({ store, passwords: await createPasswords(), now: Date.now })
      const clients = createClients({ configured: config.clients, issuer, store })
      const { sub = '' } = (await accounts.findByUsername('maria')) ?? {}
      const disable = (disabled: boolean) =>
        what === 'the app' ? clients.setDisabled('heart-app', disabled) : accounts.setDisabled(sub, disabled)
      const visit = newVisit(keyward)
      await walkTo(visit.browser, visit.app.authorizationUrl({ prompt: 'consent' }), 'consent')
      const { action, hidden } = visit.browser.form()
      const body = new URLSearchParams({ ...hidden, decision: 'allow', scope: 'patient/Patient.rs' })
      const before = await keyward.auditEvents('consent')
      await disable(true)
      try {
        const answer = await visit.browser.send(action, { method: 'POST', body })
        expect(answer.status).toBe(400)
        expect(await keyward.auditEvents('consent')).toEqual(before)
      } finally {
        await disable(false)
      }
    })
  })
})
