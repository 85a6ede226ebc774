import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Consent } from '../../../src/consent/consents.ts'
import { decidedBy, openDecision } from '../../../src/consent/decision.ts'
import { readKinds } from '../../../src/consent/kinds.ts'
import type { Authorization } from '../../../src/smart/authorization.ts'
import { createPlace } from '../smart/place.ts'

const kinds = readKinds(join(import.meta.dirname, '../../../views'))
const PATIENT = 'patient/Patient.rs'
const ALLERGIES = 'patient/AllergyIntolerance.rs'
const SCOPE = `openid launch/patient offline_access online_access ${PATIENT} ${ALLERGIES}`

async function authorizationOf(username: string, scope: string, pickedPatient?: string): Promise<Authorization> {
  const { describeFor } = await createPlace()
  const about = await describeFor(username, { scope }, pickedPatient)
  if (!about) throw new Error('there is such an authorization')
  return about
}

const consentOf = (granted: string[], refused: string[] = []): Consent => ({
  accountId: 'a',
  clientId: 'c',
  fhirServer: 'f',
  consentId: 'x',
  clientName: 'Heart App',
  granted,
  refused,
  since: 0,
  changedAt: 0
})

describe('what there is to decide', () => {
  test('switches for kinds and for coming back; the rest is told', async () => {
    const about = await authorizationOf('maria', SCOPE, 'leo')
    const { key, told, choices, asksOffline } = openDecision(about, kinds)
    expect(key).toEqual({ accountId: about.account.sub, clientId: 'heart-app', fhirServer: 'clinic', patient: 'leo' })
    expect(told).toEqual(['openid', 'launch/patient', 'online_access'])
    expect(choices.map(({ scope }) => scope)).toEqual([PATIENT, ALLERGIES])
    expect(asksOffline).toBe(true)
  })

  test('a clinician decides about the app, whoever the patient is', async () => {
    const { key } = openDecision(await authorizationOf('dr.lee', 'openid user/Patient.rs'), kinds)
    expect(key).not.toHaveProperty('patient')
  })
})

describe('whether it is settled', () => {
  const all = ['openid', 'launch/patient', 'online_access', PATIENT, ALLERGIES, 'offline_access']

  test.each<[string, Consent | undefined, boolean, string[]]>([
    ['nothing was decided', undefined, false, []],
    ['all was allowed', consentOf(all), true, all],
    ['all was refused', consentOf([], all), true, []],
    ['some was refused', consentOf(all.slice(0, 4), all.slice(4)), true, all.slice(0, 4)],
    [
      'one kind is open',
      consentOf(all.filter((scope) => scope !== ALLERGIES)),
      false,
      all.filter((scope) => scope !== ALLERGIES)
    ],
    ['coming back is open', consentOf(all.slice(0, 5)), false, all.slice(0, 5)],
    ['who signs in is open', consentOf(all.slice(1)), false, all.slice(1)],
    ['more was allowed than is asked now', consentOf([...all, 'patient/*.rs']), true, all],
    [
      'a wider scope was allowed, and not this one',
      consentOf([...all.filter((scope) => scope !== PATIENT), 'patient/*.rs']),
      false,
      all.filter((scope) => scope !== PATIENT)
    ]
  ])('where %s', async (_name, consent, settled, granted) => {
    const decision = openDecision(await authorizationOf('maria', SCOPE, 'leo'), kinds)
    expect(decidedBy(decision, consent)).toEqual({ settled, granted })
  })
})
