import { describe, expect, test } from 'vitest'
import { describeDropped, droppedScopes, type Why } from '../../../src/smart/scope-decision.ts'

const REGISTERED = ['openid', 'fhirUser', 'launch/patient', 'offline_access', 'patient/*.rs']
const ENFORCES = { categories: ['Observation'], parameters: [] }
const CATEGORY = 'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory'

describe('why a scope was not granted', () => {
  test.each<[string, string[], Why]>([
    ['what is no scope', ['patient/observation.rs'], 'not-a-scope-here'],
    ['letters in another order', ['patient/Observation.sr'], 'not-a-scope-here'],
    ['a scope of backend services', ['system/Observation.rs'], 'for-backend-services-only'],
    ['more than the app is registered for', ['patient/Observation.cruds'], 'not-registered-for-this-app'],
    ['another context than the app is registered for', ['user/Observation.rs'], 'not-registered-for-this-app'],
    ['a lasting scope that the app is not registered for', ['online_access'], 'not-registered-for-this-app'],
    [
      'a filter that the FHIR server overlooks',
      ['patient/Observation.rs?code=x'],
      'search-parameter-not-enforced-by-the-fhir-server'
    ],
    ['a claim without openid', ['fhirUser'], 'needs-openid']
  ])('%s', (_name, asked, why) => {
    expect(droppedScopes({ asked, registered: REGISTERED, enforces: ENFORCES, permitted: [], granted: [] })).toEqual([
      { scope: asked[0], why }
    ])
  })

  test('what person and relationship leave out is told from what the person refused', () => {
    const asked = ['openid', 'patient/Patient.rs', 'patient/Immunization.rs', 'patient/Goal.rs']
    const permitted = ['openid', 'patient/Patient.rs', 'patient/Immunization.rs']
    const granted = ['openid', 'patient/Patient.rs']
    expect(droppedScopes({ asked, registered: REGISTERED, enforces: ENFORCES, permitted, granted })).toEqual([
      { scope: 'patient/Immunization.rs', why: 'refused-by-the-person' },
      { scope: 'patient/Goal.rs', why: 'not-open-to-this-person' }
    ])
  })

  test('what was narrowed says to what', () => {
    const granted = [CATEGORY, 'patient/Goal.rs']
    const asked = ['patient/Observation.rs', 'patient/Goal.rs', 'patient/Goal.rs']
    expect(droppedScopes({ asked, registered: REGISTERED, enforces: ENFORCES, permitted: asked, granted })).toEqual([
      { scope: 'patient/Observation.rs', why: 'refused-by-the-person', narrowedTo: [CATEGORY] }
    ])
  })

  test('before anybody was asked, only what nobody could grant is dropped', () => {
    const asked = ['openid', 'fhirUser', CATEGORY, 'system/*.rs']
    expect(droppedScopes({ asked, registered: REGISTERED, enforces: ENFORCES })).toEqual([
      { scope: 'system/*.rs', why: 'for-backend-services-only' }
    ])
  })

  test('the line for developers names the first five, and how many more there are', () => {
    const asked = Array.from({ length: 7 }, (_, i) => `user/Type${'abcdefg'[i]}.rs`)
    const line = describeDropped(droppedScopes({ asked, registered: REGISTERED, enforces: ENFORCES }))
    expect(line).toMatch(
      /^user\/Typea\.rs \(not registered for this app\), .*user\/Typee\.rs \(not registered for this app\), 2 more$/
    )
  })
})
