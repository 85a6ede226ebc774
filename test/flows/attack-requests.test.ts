import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorize, introspect, newApp } from '../harness/app-client.ts'
import { FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'
import { newVisit, withoutSecondFactor } from '../harness/visit.ts'

const PHONE = { clientId: 'phone-app', redirectUri: 'org.example.phone:/cb' }

describe.each(STORES)('requests with a twist, on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({
      store,
      change: (config) => {
        const heart = config.clients.find(({ client_id }) => client_id === 'heart-app')
        if (!heart) throw new Error('the sample clinic has no heart-app')
        const phone = {
          ...heart,
          client_id: PHONE.clientId,
          application_type: 'native' as const,
          redirect_uris: [PHONE.redirectUri]
        }
        return withoutSecondFactor({ ...config, clients: [...config.clients, phone] })
      }
    })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward.stop())

  test('no page without an origin reads what a phone app is answered', async () => {
    const app = newApp(keyward.issuer, PHONE)
    const form = { grant_type: 'refresh_token', refresh_token: 'kw_rt_none', client_id: PHONE.clientId }
    const answer = await app.post('/token', form, { Origin: 'null' })
    expect(answer.status).toBe(400)
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })

  test.each([[[`${FHIR_BASE}/`]], [[FHIR_BASE]], [[FHIR_BASE, `${FHIR_BASE}/`]]])(
    'resource names the FHIR server as aud does, with a slash or without: %j',
    async (resources) => {
      const visit = newVisit(keyward)
      const url = new URL(visit.app.authorizationUrl())
      for (const resource of resources) url.searchParams.append('resource', resource)
      const { body } = await visit.app.redeem(visit.app.codeFrom(await authorize(visit.browser, url.href)))
      expect(body.scope?.split(' ')).toContain('patient/Patient.rs')
      expect((await introspect(keyward.issuer, body.access_token ?? '')).body).toMatchObject({ active: true, aud: FHIR_BASE })
    }
  )
})
