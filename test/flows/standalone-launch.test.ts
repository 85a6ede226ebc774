import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorize, introspect, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { FHIR_BASE } from '../harness/clinic-config.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'

describe.each(STORES)('standalone launch on %s', (store) => {
  let keyward: Keyward
  beforeAll(async () => {
    keyward = await startKeyward({ store })
    expect(await storeOf(keyward.issuer)).toBe(store)
  })
  afterAll(() => keyward.stop())

  test('a parent picks a child, unticks a kind, and the app gets, refreshes and loses exactly that', async () => {
    const app = newApp(keyward.issuer)
    const browser = newBrowser(keyward.issuer)
    const scope =
      'openid fhirUser offline_access launch/patient patient/Patient.rs patient/AllergyIntolerance.rs patient/Immunization.rs'
    const callback = await authorize(browser, app.authorizationUrl({ scope, nonce: 'n-1' }), {
      tick: (one) => one !== 'patient/Immunization.rs'
    })
    const code = app.codeFrom(callback)
    expect(new URL(callback.url).searchParams.get('state')).toBe('state-of-the-app')
    expect(new URL(callback.url).searchParams.get('iss')).toBe(keyward.issuer)

    const { status, body, headers } = await app.redeem(code)
    expect({ status, error: body.error_description }).toEqual({ status: 200, error: undefined })
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('pragma')).toBe('no-cache')
    expect(body).toMatchObject({ token_type: 'Bearer', patient: 'leo', expires_in: 900 })
    const granted = 'openid fhirUser offline_access launch/patient patient/Patient.rs patient/AllergyIntolerance.rs'
      .split(' ')
      .sort()
    expect(body.scope?.split(' ').sort()).toEqual(granted)

    const keys = createRemoteJWKSet(new URL(`${keyward.issuer}/jwks`))
    const { payload } = await jwtVerify(body.id_token ?? '', keys, { issuer: keyward.issuer, audience: 'heart-app' })
    expect(payload).toMatchObject({ fhirUser: `${FHIR_BASE}/Patient/maria`, nonce: 'n-1', amr: ['pwd', 'otp', 'mfa'] })

    const active = await introspect(keyward.issuer, body.access_token ?? '')
    expect(active.body).toMatchObject({ active: true, patient: 'leo', client_id: 'heart-app', aud: FHIR_BASE, scope: body.scope })

    const refreshed = await app.refresh(body.refresh_token ?? '')
    expect(refreshed.body).toMatchObject({ patient: 'leo', scope: body.scope })
    expect(refreshed.body.refresh_token).not.toBe(body.refresh_token)

    await browser.open(`${keyward.issuer}/account`)
    expect(browser.page.html).toContain('Heart App')
    await browser.submit({})
    expect((await introspect(keyward.issuer, refreshed.body.access_token ?? '')).text).toBe('{"active":false}')
    expect((await app.refresh(refreshed.body.refresh_token ?? '')).body.error).toBe('invalid_grant')
  })
})
