import { setTimeout as wait } from 'node:timers/promises'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { Browser } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { clinicRecords } from '../../demo/data/records.ts'
import { STORES } from '../harness/keyward.ts'
import { newPerson } from './chromium.ts'
import { clinicInChromium } from './clinic-in-chromium.ts'
import type { ClinicUnderTest } from './clinic-under-test.ts'
import { appResults, fhirFromApp, pickPatient, signIn, tokenAnswer } from './journey.ts'

describe.each(STORES)('standalone launch in Chromium, cross-origin, on %s', (store) => {
  let clinic: ClinicUnderTest
  let browser: Browser
  clinicInChromium((started) => {
    ;({ clinic, browser } = started)
  }, store)

  test('a parent shares a child’s record without one kind, the app renews, and Stop ends it within a second', async () => {
    const { app, keyward, fhir } = clinic.addresses
    const person = await newPerson(browser)
    const page = await person.newPage()
    await page.goto(`${app}/`)
    await page.getByRole('button', { name: 'Connect to my clinic' }).click()
    await signIn(page, clinic, 'maria')
    await pickPatient(page, 'Leo Diaz')
    await page.getByRole('switch', { name: 'Vaccines given' }).uncheck()
    const tokens = await tokenAnswer(page, clinic, () => page.getByRole('button', { name: 'Share Leo' }).click())

    const scopes = tokens.scope.split(' ')
    expect(tokens).toMatchObject({ patient: 'leo', expires_in: expect.any(Number) })
    expect(scopes).toEqual(expect.arrayContaining(['openid', 'fhirUser', 'launch/patient', 'patient/AllergyIntolerance.rs']))
    expect(scopes.filter((scope) => /Immunization\.|patient\/\*/.test(scope))).toEqual([])

    const keys = createRemoteJWKSet(new URL(`${keyward}/jwks`))
    const { payload } = await jwtVerify(tokens.id_token ?? '', keys, { issuer: keyward, audience: 'heart-app' })
    expect(payload.fhirUser).toBe(`${fhir}/Patient/maria`)

    const results = await appResults(page)
    expect(results.get('AllergyIntolerance')).toMatchObject({ status: 200, count: idsOfLeo('AllergyIntolerance').length })
    expect(results.get('Immunization')).toMatchObject({ status: 403 })
    const allergy = `${fhir}/AllergyIntolerance/${idsOfLeo('AllergyIntolerance')[0]}`
    const vaccine = `${fhir}/Immunization/${idsOfLeo('Immunization')[0]}`
    expect((await fhirFromApp(page, allergy, tokens.access_token)).status).toBe(200)
    expect((await fhirFromApp(page, vaccine, tokens.access_token)).status).toBe(403)

    const renewed = await tokenAnswer(page, clinic, () => page.getByRole('button', { name: 'Renew access' }).click())
    expect(renewed).toMatchObject({ patient: 'leo', scope: tokens.scope })
    expect(renewed.access_token).not.toBe(tokens.access_token)
    expect((await appResults(page)).get('Immunization')).toMatchObject({ status: 403 })
    expect((await fhirFromApp(page, allergy, renewed.access_token)).status).toBe(200)

    const account = await person.newPage()
    await account.goto(`${keyward}/account`)
    const entry = account.getByRole('listitem').filter({ hasText: 'Heart App' })
    await entry.filter({ hasText: 'Leo Diaz' }).waitFor()
    // Counted from the click, before the form is even sent.
    const [milliseconds] = await Promise.all([
      refusedAfter(allergy, renewed.access_token),
      entry.getByRole('button', { name: 'Stop' }).click()
    ])
    expect(milliseconds).toBeLessThan(1000)
    await account.getByRole('status').filter({ hasText: 'Stopped' }).waitFor()

    await page.getByRole('button', { name: 'Look again' }).click()
    await page.getByTestId('problem').filter({ hasText: 'no longer lets Heart App in' }).waitFor()
    await person.close()
  })

  test('of a granular scope the app gets that category and nothing else', async () => {
    const { app, fhir } = clinic.addresses
    const person = await newPerson(browser)
    const page = await person.newPage()
    const laboratory = `patient/Observation.rs?category=${CATEGORY}|laboratory`
    await page.goto(`${app}/`)
    await page.getByText('For developers').click()
    await page.getByLabel('Scopes').fill(`openid fhirUser launch/patient ${laboratory}`)
    await page.getByRole('button', { name: 'Connect with these scopes' }).click()
    await signIn(page, clinic, 'maria')
    await pickPatient(page, 'Maria Diaz')
    const tokens = await tokenAnswer(page, clinic, () => page.getByRole('button', { name: 'Share', exact: true }).click())
    expect(tokens).toMatchObject({ patient: 'maria' })
    expect(tokens.scope.split(' ').sort()).toEqual(['fhirUser', 'launch/patient', laboratory, 'openid'].sort())

    const ofMaria = observationsOf('maria')
    const inLaboratory = ofMaria.filter(({ category }) => codesOf(category).includes('laboratory'))
    const vitalSign = ofMaria.find(({ category }) => codesOf(category).includes('vital-signs'))
    const { status, body } = await fhirFromApp(page, `${fhir}/Observation?patient=maria&_count=500`, tokens.access_token)
    expect(status).toBe(200)
    expect(idsIn(body)).toEqual(inLaboratory.map(({ id }) => id).sort())
    expect(ofMaria.length).toBeGreaterThan(inLaboratory.length)
    const read = async (id: string | undefined) =>
      (await fhirFromApp(page, `${fhir}/Observation/${id}`, tokens.access_token)).status
    expect(await read(inLaboratory[0]?.id)).toBe(200)
    expect(await read(vitalSign?.id)).toBe(403)
    await person.close()
  })
})

const CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category'
const record = z.looseObject({ resourceType: z.string(), id: z.string() })
const observation = z.looseObject({
  resourceType: z.literal('Observation'),
  id: z.string(),
  subject: z.looseObject({ reference: z.string() }),
  category: z.array(z.looseObject({ coding: z.array(z.looseObject({ code: z.string() })) }))
})
type Observation = z.infer<typeof observation>

function idsOfLeo(resourceType: string): string[] {
  return clinicRecords()
    .map((one) => record.parse(one))
    .filter((one) => one.resourceType === resourceType && JSON.stringify(one).includes('{"reference":"Patient/leo"}'))
    .map(({ id }) => id)
}

function observationsOf(patient: string): Observation[] {
  return clinicRecords().flatMap((one) => {
    const read = observation.safeParse(one)
    return read.success && read.data.subject.reference === `Patient/${patient}` ? [read.data] : []
  })
}

function codesOf(categories: Observation['category']): string[] {
  return categories.flatMap(({ coding }) => coding.map(({ code }) => code))
}

function idsIn(bundle: unknown): string[] {
  const { entry } = z.object({ entry: z.array(z.object({ resource: z.object({ id: z.string() }) })) }).parse(bundle)
  return entry.map(({ resource }) => resource.id).sort()
}

/** Milliseconds until the FHIR server answers 401, asked again and again. */
async function refusedAfter(url: string, accessToken: string): Promise<number> {
  const began = performance.now()
  const passed = (): number => performance.now() - began
  const ask = () => fetch(url, { headers: { Authorization: `Bearer ${accessToken}` } })
  while ((await ask()).status !== 401) {
    if (passed() > 5000) throw new Error('the FHIR server goes on answering')
    await wait(20)
  }
  return passed()
}
