import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BASE, ISSUER, startClinic } from './fhir-clinic.ts'

let clinic: Awaited<ReturnType<typeof startClinic>>
let all: string
beforeAll(async () => {
  clinic = await startClinic()
  all = clinic.token('user/*.rs', { fhirUser: 'Practitioner/lee' })
})
afterAll(() => clinic.close())

const OC = 'http://terminology.hl7.org/CodeSystem/observation-category'
const encode = encodeURIComponent

describe('search parameters', () => {
  test.each<[path: string, found: string[]]>([
    ['/Patient?_id=leo', ['leo']],
    ['/Patient?_id=leo,sofia', ['leo', 'sofia']],
    ['/Patient?name=dia', ['maria', 'leo', 'sofia']],
    ['/Patient?name=DIAZ', ['maria', 'leo', 'sofia']],
    ['/Patient?name=d%C3%ADaz', ['maria', 'leo', 'sofia']],
    ['/Patient?name=leo%20d', ['leo']],
    ['/Patient?name=iaz', []],
    ['/Patient?name=diaz&name=sof', ['sofia']],
    ['/Patient?given=mateo', ['leo']],
    ['/Patient?family=leo', []],
    ['/Patient?birthdate=1984-03-12', ['maria']],
    ['/Patient?birthdate=lt1984-03-12', ['john']],
    ['/Patient?identifier=https://sampleclinic.example/records|100005', ['aisha']],
    ['/Practitioner?name=lee', ['lee']],
    ['/Encounter?patient=sofia', ['sofia-visit-1']],
    ['/Encounter?patient=Patient/sofia', ['sofia-visit-1']],
    [`/Encounter?patient=${BASE}/Patient/sofia`, ['sofia-visit-1']],
    ['/Encounter?subject:Patient=sofia', ['sofia-visit-1']],
    ['/Encounter?patient=Practitioner/sofia', []],
    ['/Encounter?patient=sof', []],
    ['/Coverage?patient=john', ['john-coverage']],
    ['/Condition?patient=leo&category=encounter-diagnosis', ['leo-condition-3', 'leo-condition-4']],
    [`/Observation?patient=sofia&category=${encode(`${OC}|laboratory`)}`, ['sofia-blood-1-result-1', 'sofia-blood-1-result-2']],
    ['/Observation?patient=sofia&category=|laboratory', []],
    ['/Observation?patient=sofia&category=http://other.test|laboratory', []],
    [`/Observation?patient=sofia&category=${encode(`${OC}|`)}&code=718-7`, ['sofia-blood-1-result-1']],
    ['/Observation?patient=sofia&category=Laboratory', []],
    ['/Observation?patient=sofia&code=http://loinc.org|29463-7,718-7', ['sofia-weight-1', 'sofia-blood-1-result-1']],
    ['/AllergyIntolerance?category=|food', ['leo-allergy-1', 'sofia-allergy-1']],
    ['/Immunization?patient=leo&date=2025', ['leo-vaccine-5']],
    ['/Immunization?patient=leo&date=2021-06-15', ['leo-vaccine-3', 'leo-vaccine-4']],
    ['/Immunization?patient=leo&date=eq2021-06', ['leo-vaccine-3', 'leo-vaccine-4']],
    ['/Immunization?patient=leo&date=ge2021-06-15', ['leo-vaccine-3', 'leo-vaccine-4', 'leo-vaccine-5']],
    ['/Immunization?patient=leo&date=gt2021-06-15', ['leo-vaccine-5']],
    ['/Immunization?patient=leo&date=le2018-09-18', ['leo-vaccine-1', 'leo-vaccine-2']],
    ['/Immunization?patient=leo&date=lt2018-09-18', ['leo-vaccine-1']],
    ['/Immunization?patient=leo&date=gt2018-06-12&date=lt2021', ['leo-vaccine-2']],
    ['/Encounter?patient=leo&date=ge2025-06-10T14:00:00Z', ['leo-visit-5', 'leo-visit-6']],
    ['/Encounter?patient=leo&date=2024-02-15T10:10:00%2B01:00', []],
    ['/Encounter?patient=leo&date=2024-02-15', ['leo-visit-3']]
  ])('%s', async (path, found) => {
    expect(await clinic.idsOf(path, all)).toEqual(found)
  })

  test.each([
    '/Immunization?date=yesterday',
    '/Immunization?date=2025-02-31',
    '/Immunization?date=2025-13',
    '/Immunization?date=ne2025',
    '/Immunization?date=',
    '/Observation?code:in=http://sets.test/one',
    '/Observation?category=a,',
    '/Patient?name:exact=Leo',
    '/Patient?_count=-1',
    '/Patient?_count=many',
    '/Patient?_page=2'
  ])('%s is answered with 400', async (path) => {
    const response = await clinic.get(path, all)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ resourceType: 'OperationOutcome' })
  })

  test.each<[prefer: string, status: number]>([
    ['', 200],
    ['handling=lenient', 200],
    ['handling=strict', 400],
    ['return=minimal, handling=strict', 400]
  ])('an unknown parameter under "Prefer: %s" is answered with %i', async (prefer, status) => {
    const response = await clinic.get('/Patient?shoe-size=42&_id=leo', all, { headers: { prefer } })
    expect(response.status).toBe(status)
  })

  test('the self link says what was understood', async () => {
    const bundle = await clinic.bundle('/Patient?shoe-size=42&_id=leo&_count=5', all)
    expect(bundle.link).toEqual([{ relation: 'self', url: `${BASE}/Patient?_id=leo&_count=5` }])
  })
})

describe('SM-218: pages', () => {
  test.each([1, 7, 20, 61, 62, 100])('of %i: following next finds every observation of leo once', async (count) => {
    const ids = await clinic.idsOf(`/Observation?patient=leo&_count=${count}`, all)
    expect(ids).toHaveLength(62)
    expect(new Set(ids).size).toBe(62)
  })

  test('a search without _count is paged, with total and absolute links', async () => {
    const bundle = await clinic.bundle('/Observation?patient=leo&category=vital-signs', all)
    expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: 42 })
    expect(bundle.entry).toHaveLength(20)
    expect(bundle.entry?.[0]).toMatchObject({ fullUrl: `${BASE}/Observation/leo-weight-1`, search: { mode: 'match' } })
    const next = new URL(bundle.link.find(({ relation }) => relation === 'next')?.url ?? '')
    expect(next.href.startsWith(`${BASE}/Observation?`)).toBe(true)
    expect(next.searchParams.get('category')).toBe('vital-signs')
  })

  test('_count=0 says just how many there are', async () => {
    const bundle = await clinic.bundle('/Observation?patient=leo&_count=0', all)
    expect(bundle).toMatchObject({ total: 62 })
    expect(bundle).not.toHaveProperty('entry')
    expect(bundle.link).toHaveLength(1)
  })

  test('mistake 8: each page is what its own token may see', async () => {
    const first = await clinic.bundle('/Observation?_count=10', all)
    const next = first.link.find(({ relation }) => relation === 'next')?.url ?? ''
    const ids = await clinic.idsOf(next, clinic.token('patient/*.rs', { patient: 'aisha' }))
    expect(ids.filter((id) => !id.startsWith('aisha-'))).toEqual([])
  })
})

test('a program that looks for patients finds them page by page, and their visits, with a system token', async () => {
  const token = clinic.token('system/Patient.rs system/Encounter.rs')
  const first = await clinic.bundle('/Patient?name=diaz&_count=2', token)
  expect([first.total, first.entry?.map(({ resource }) => resource.id)]).toEqual([3, ['maria', 'leo']])
  expect(await clinic.idsOf('/Patient?name=diaz&_count=2', token)).toEqual(['maria', 'leo', 'sofia'])
  expect(await clinic.idsOf('/Patient?name=sofia%20diaz&birthdate=2021-09-21', token)).toEqual(['sofia'])
  expect((await clinic.get('/Patient/leo', token)).status).toBe(200)
  expect(await clinic.idsOf('/Encounter?patient=leo&_count=4', token)).toHaveLength(6)
  expect((await clinic.get('/Observation?patient=leo', token)).status).toBe(403)
})

describe('what is not here', () => {
  test.each<[path: string, status: number]>([
    ['/Patient/nobody', 404],
    ['/Appointment', 404],
    ['/Appointment/1', 404],
    ['/constructor', 404],
    ['/Patient/leo/_history', 404],
    ['/', 404]
  ])('%s is answered with %i', async (path, status) => {
    const response = await clinic.get(path, all)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ resourceType: 'OperationOutcome' })
  })
})

describe('formats', () => {
  test.each<[path: string, accept: string, status: number]>([
    ['/Patient/leo', '*/*', 200],
    ['/Patient/leo', 'application/fhir+json', 200],
    ['/Patient/leo', 'application/json', 200],
    ['/Patient/leo', 'application/fhir+xml', 406],
    ['/Patient/leo?_format=json', 'application/fhir+xml', 200],
    ['/Patient/leo?_format=application/fhir%2Bjson', '*/*', 200],
    ['/Patient/leo?_format=application/fhir+json', '*/*', 200],
    ['/Patient/leo?_format=xml', 'application/json', 406]
  ])('%s as %s is answered with %i', async (path, accept, status) => {
    expect((await clinic.get(path, all, { headers: { accept } })).status).toBe(status)
  })
})

describe('without a token', () => {
  test('the SMART configuration is passed through to any origin', async () => {
    const response = await clinic.get('/.well-known/smart-configuration', undefined, { headers: { origin: 'http://app.test' } })
    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Type')).toMatch(/^application\/json/)
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*')
    expect(await response.json()).toEqual({ issuer: ISSUER })
  })

  test('SM-059, SM-060: the CapabilityStatement names SMART, its addresses and the search parameters', async () => {
    const response = await clinic.get('/metadata')
    const extension = { url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris' }
    const statement: unknown = await response.json()
    expect(response.headers.get('Content-Type')).toMatch(/^application\/fhir\+json/)
    expect(statement).toMatchObject({
      resourceType: 'CapabilityStatement',
      fhirVersion: '4.0.1',
      rest: [{ mode: 'server', security: { service: [{ coding: [{ code: 'SMART-on-FHIR' }] }], extension: [extension] } }]
    })
    const text = JSON.stringify(statement)
    expect(text).toContain(`{"url":"token","valueUri":"${ISSUER}/token"}`)
    expect(text).toContain('{"name":"category","type":"token"}')
  })

  test('SM-003, SM-005: a preflight from any origin is answered, and answers may be read by any origin', async () => {
    const preflight = await clinic.get('/Observation', undefined, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://app.test',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization'
      }
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('Access-Control-Allow-Origin')).toBe('*')
    expect(preflight.headers.get('Access-Control-Allow-Headers')).toContain('authorization')
    const refused = await clinic.get('/Observation', undefined, { headers: { origin: 'http://app.test' } })
    expect(refused.status).toBe(401)
    expect(refused.headers.get('Access-Control-Allow-Origin')).toBe('*')
    expect(refused.headers.get('Access-Control-Expose-Headers')).toContain('www-authenticate')
    for (const [path, token] of [
      ['/metadata', undefined],
      ['/Patient/leo', all]
    ] as const) {
      const read = await clinic.get(path, token, { headers: { origin: 'http://app.test' } })
      expect([path, read.status, read.headers.get('Access-Control-Allow-Origin')]).toEqual([path, 200, '*'])
    }
  })

  test('where origins are listed, others are not allowed to read', async () => {
    const other = await startClinic({ allowOrigins: ['http://app.test'] })
    const originAllowed = async (path: string, origin: string) =>
      (await other.get(path, undefined, { headers: { origin } })).headers.get('Access-Control-Allow-Origin')
    expect(await originAllowed('/Patient', 'http://app.test')).toBe('http://app.test')
    expect(await originAllowed('/Patient', 'http://evil.test')).toBeNull()
    expect(await originAllowed('/.well-known/smart-configuration', 'http://evil.test')).toBe('*')
    await other.close()
  })
})
