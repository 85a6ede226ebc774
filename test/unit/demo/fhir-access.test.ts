import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startClinic } from './fhir-clinic.ts'

let clinic: Awaited<ReturnType<typeof startClinic>>
beforeAll(async () => {
  clinic = await startClinic()
})
afterAll(() => clinic.close())

const forLeo = (scope: string) => clinic.token(scope, { patient: 'leo', fhirUser: 'Patient/maria' })
const forLee = (scope: string) => clinic.token(scope, { fhirUser: 'Practitioner/lee' })
const LAB = 'category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory'
const VITAL = 'category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs'

describe('SM-275, SM-277: the token of a request', () => {
  test.each<[string, string | undefined]>([
    ['no token', undefined],
    ['a token that nobody issued', 'Bearer unknown'],
    ['another scheme', 'Basic abc'],
    ['a token with a space in it', 'Bearer a b'],
    ['an empty token', 'Bearer ']
  ])('%s is answered with 401', async (_, authorization) => {
    const response = await clinic.get('/Patient/leo', undefined, {
      headers: authorization === undefined ? {} : { authorization }
    })
    expect(response.status).toBe(401)
    expect(response.headers.get('WWW-Authenticate')).toMatch(/^Bearer error="invalid_token"/)
    expect(await response.json()).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'login' }] })
  })

  test.each<[string, Record<string, unknown>]>([
    ['another server', { aud: 'http://other.test/fhir' }],
    ['this server with a slash', { aud: 'http://clinic.test/fhir/' }],
    ['nobody', { aud: undefined }],
    ['this server, of another issuer', { iss: 'http://evil.test' }],
    ['this server, but active in words only', { active: 'true' }]
  ])('a token for %s is answered with 401', async (_, more) => {
    expect((await clinic.get('/Patient/leo', clinic.token('system/*.rs', more))).status).toBe(401)
  })

  test('a token in the address is not looked at', async () => {
    expect((await clinic.get(`/Patient/leo?access_token=${forLeo('patient/*.rs')}`)).status).toBe(401)
  })

  test('an audience list with this server in it is accepted', async () => {
    const token = clinic.token('system/*.rs', { aud: ['http://other.test', 'http://clinic.test/fhir'] })
    expect((await clinic.get('/Patient/leo', token)).status).toBe(200)
  })

  test('it is introspected at every request, with form-encoded Basic credentials', async () => {
    const token = forLeo('patient/*.rs')
    const before = clinic.asked.length
    await clinic.get('/Patient/leo', token)
    await clinic.get('/Patient/leo', token)
    const asked = clinic.asked.slice(before)
    const credentials = Buffer.from('clinic+fhir%3A1:a%2Bb%2Fc%25+d').toString('base64')
    expect(asked).toHaveLength(2)
    expect(asked[0]?.authorization).toBe(`Basic ${credentials}`)
    expect(asked[0]?.contentType).toMatch(/^application\/x-www-form-urlencoded/)
    expect(new URLSearchParams(asked[0]?.body).get('token')).toBe(token)
  })

  test('a token that is revoked in between is refused at the next request', async () => {
    const token = forLeo('patient/*.rs')
    expect((await clinic.get('/Patient/leo', token)).status).toBe(200)
    clinic.revoke(token)
    expect((await clinic.get('/Patient/leo', token)).status).toBe(401)
  })
})

describe('the compartment of the patient', () => {
  test.each([
    '/Patient/leo',
    '/Condition/leo-condition-1',
    '/Coverage/leo-coverage',
    '/Binary/leo-note-1-text',
    '/Provenance/leo-provenance-1'
  ])('%s is read for leo', async (path) => {
    const response = await clinic.get(path, forLeo('patient/*.rs'))
    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Type')).toBe('application/fhir+json; charset=utf-8')
    expect(response.headers.get('Cache-Control')).toBe('no-store')
  })

  test.each(['/Practitioner/lee', '/Organization/clinic', '/Location/main', '/Medication/albuterol-inhaler'])(
    '%s supports every record',
    async (path) => {
      expect((await clinic.get(path, forLeo('patient/*.rs'))).status).toBe(200)
      expect((await clinic.get(path, forLeo('patient/Condition.rs'))).status).toBe(403)
    }
  )

  test.each([
    '/Patient/maria',
    '/Condition/maria-condition-1',
    '/Coverage/maria-coverage',
    '/Binary/maria-note-1-text',
    '/Provenance/maria-provenance-1'
  ])('mistake 29: %s is refused for leo', async (path) => {
    const response = await clinic.get(path, forLeo('patient/*.rs'))
    expect(response.status).toBe(403)
    expect(response.headers.get('WWW-Authenticate')).toBe('Bearer error="insufficient_scope"')
    expect(await response.json()).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'forbidden' }] })
  })

  test.each(['/Condition', '/Condition?patient=leo', '/Condition?subject=Patient/leo,Patient/maria'])(
    '%s finds what is leo’s',
    async (path) => {
      const ids = await clinic.idsOf(path, forLeo('patient/*.rs'))
      expect(ids).toHaveLength(6)
      expect(ids.filter((id) => !id.startsWith('leo-'))).toEqual([])
    }
  )

  test('SM-279, mistake 13: who signed in is read by an app that may know it, and nothing else of theirs', async () => {
    const of = (scope: string) => clinic.token(scope, { patient: 'leo', fhirUser: 'http://clinic.test/fhir/Patient/maria' })
    const told = of('openid fhirUser patient/Condition.rs')
    expect(await (await clinic.get('/Patient/maria', told)).json()).toMatchObject({ resourceType: 'Patient', id: 'maria' })
    for (const path of ['/Patient', '/Patient?_id=maria', '/Patient/leo', '/Condition/maria-condition-1', '/Practitioner/lee'])
      expect({ path, status: (await clinic.get(path, told)).status }).toEqual({ path, status: 403 })
    expect((await clinic.get('/Patient/maria', of('openid patient/Condition.rs'))).status).toBe(403)
    const doctor = clinic.token('openid fhirUser patient/Condition.rs', { patient: 'leo', fhirUser: 'Practitioner/lee' })
    expect((await clinic.get('/Practitioner/lee', doctor)).status).toBe(200)
  })

  test('a search for another patient finds nothing', async () => {
    expect(await clinic.bundle('/Condition?patient=maria', forLeo('patient/*.rs'))).toMatchObject({ total: 0 })
  })

  test('a practitioner sees all patients, a patient with user/ scopes only their own record', async () => {
    expect(await clinic.idsOf('/Patient', forLee('user/*.rs'))).toEqual(['maria', 'leo', 'sofia', 'john', 'aisha'])
    expect(await clinic.idsOf('/Patient', forLeo('user/*.rs'))).toEqual(['maria'])
    expect((await clinic.get('/Patient/leo', forLeo('user/*.rs'))).status).toBe(403)
  })
})

describe('SM-278: interaction letters', () => {
  test.each<[scope: string, read: number, search: number]>([
    ['patient/Observation.r', 200, 403],
    ['patient/Observation.s', 403, 200],
    ['patient/Observation.rs', 200, 200],
    ['patient/Observation.read', 200, 200],
    ['patient/*.*', 200, 200],
    ['patient/Observation.cud', 403, 403],
    ['patient/Observation.write', 403, 403],
    ['patient/Condition.rs', 403, 403],
    ['patient/Observation.sr', 403, 403],
    ['openid launch/patient offline_access', 403, 403]
  ])('%s: read %i, search %i', async (scope, read, search) => {
    expect((await clinic.get('/Observation/leo-weight-1', forLeo(scope))).status).toBe(read)
    expect((await clinic.get('/Observation', forLeo(scope))).status).toBe(search)
  })

  test.each<[method: string, path: string, letter: string]>([
    ['POST', '/Observation', 'c'],
    ['PUT', '/Observation/leo-weight-1', 'u'],
    ['PATCH', '/Observation/leo-weight-1', 'u'],
    ['DELETE', '/Observation/leo-weight-1', 'd']
  ])('%s %s is 403 without the letter %s and 405 with it', async (method, path, letter) => {
    const others = [...'cruds'].filter((other) => other !== letter).join('')
    expect((await clinic.get(path, forLeo(`patient/Observation.${others}`), { method })).status).toBe(403)
    const response = await clinic.get(path, forLeo(`patient/Observation.${letter}`), { method })
    expect(response.status).toBe(405)
    expect(response.headers.get('Allow')).toBe('GET, HEAD, OPTIONS')
  })
})

describe('SM-217: granular scopes', () => {
  test('mistake 8: a search finds the granted category and no other', async () => {
    const token = forLeo(`patient/Observation.rs?${LAB}`)
    const ids = await clinic.idsOf('/Observation', token)
    expect(ids).toHaveLength(8)
    expect(ids.filter((id) => !id.startsWith('leo-blood-'))).toEqual([])
    expect(await clinic.idsOf('/Observation?category=vital-signs', token)).toEqual([])
  })

  test('several scopes add up', async () => {
    const ids = await clinic.idsOf(
      '/Observation?_count=7',
      forLeo(`patient/Observation.rs?${LAB} patient/Observation.rs?${VITAL}`)
    )
    expect(ids).toHaveLength(8 + 42)
    expect(new Set(ids).size).toBe(50)
  })

  test('a scope without a query adds everything', async () => {
    const ids = await clinic.idsOf('/Observation', forLeo(`patient/Observation.rs?${LAB} patient/Observation.rs`))
    expect(ids).toHaveLength(62)
  })

  test('the letters belong to the scope that has them', async () => {
    const token = forLeo(`patient/Observation.r?${LAB} patient/Observation.s?${VITAL}`)
    expect((await clinic.get('/Observation/leo-blood-1-result-1', token)).status).toBe(200)
    expect((await clinic.get('/Observation/leo-weight-1', token)).status).toBe(403)
    expect(await clinic.idsOf('/Observation?_count=100', token)).toHaveLength(42)
  })

  test('mistake 8: a read outside the granted categories is refused', async () => {
    const token = forLeo(`patient/Observation.rs?${LAB}`)
    expect((await clinic.get('/Observation/leo-blood-1-result-1', token)).status).toBe(200)
    expect((await clinic.get('/Observation/leo-weight-1', token)).status).toBe(403)
    expect((await clinic.get('/Observation/maria-blood-1-result-1', token)).status).toBe(403)
  })

  test('a percent-encoded query means the same', async () => {
    const encoded = LAB.replaceAll(':', '%3A').replaceAll('/', '%2F').replace('|', '%7C')
    expect(await clinic.idsOf('/Observation', forLeo(`patient/Observation.rs?${encoded}`))).toHaveLength(8)
  })
})

test('introspection that does not answer yet or answers wrongly makes 503', async () => {
  for (const status of [401, 404, 500]) {
    const response = await clinic.get('/Patient/leo', clinic.token('system/*.rs', { status }))
    expect(response.status).toBe(503)
    expect(response.headers.get('Retry-After')).toBe('5')
  }
  const other = await startClinic()
  const token = other.token('system/*.rs')
  await other.stopKeyward()
  const response = await other.get('/Patient/leo', token)
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'transient' }] })
  expect((await other.get('/.well-known/smart-configuration')).status).toBe(503)
  await other.close()
})

test('it closes although a browser keeps a connection that it never uses', async () => {
  const other = await startClinic()
  const { hostname, port } = new URL(other.url)
  const unused = connect(Number(port), hostname)
  await once(unused, 'connect')
  await Promise.all([other.close(), once(unused, 'close')])
})
