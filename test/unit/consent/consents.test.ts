import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Consent, createConsents, type Decision } from '../../../src/consent/consents.ts'
import { createSealer } from '../../../src/keys/sealing.ts'
import { openDriver } from '../../../src/store/open-store.ts'
import { createStore } from '../../../src/store/sealed-store.ts'
import type { Kind } from '../../../src/store/store.ts'

const KEY = { accountId: 'acc-1', clientId: 'heart-app', fhirServer: 'clinic', patient: 'leo' }
const PATIENT = 'patient/Patient.rs'
const ALLERGIES = 'patient/AllergyIntolerance.rs'

async function open() {
  const clock = { now: 1_800_000_000_000 }
  const now = () => clock.now
  const driver = await openDriver('sqlite::memory:', { now })
  const sealer = createSealer([{ id: 1, key: randomBytes(32) }])
  const store = createStore({ driver, sealer, lookupKey: randomBytes(32), now })
  return { clock, store, consents: createConsents({ store, now }) }
}

const decision = (granted: string[], refused: string[] = [], rest: Partial<Decision> = {}): Decision => ({
  clientName: 'Heart App',
  patientName: 'Leo Diaz',
  granted,
  refused,
  ...rest
})

describe('a decision', () => {
  test('is found under its account, app, FHIR server and patient, and under nothing else', async () => {
    const { consents } = await open()
    await consents.decide(KEY, decision([PATIENT]))
    expect(await consents.find(KEY)).toMatchObject({ ...KEY, granted: [PATIENT], refused: [] })
    const { patient: _, ...withoutPatient } = KEY
    for (const other of [
      { ...KEY, accountId: 'acc-2' },
      { ...KEY, clientId: 'second-app' },
      { ...KEY, fhirServer: 'other' },
      { ...KEY, patient: 'maria' },
      withoutPatient,
      // The parts run together the same way; the keys are others.
      { ...KEY, accountId: 'acc-1heart', clientId: '-app' }
    ])
      expect(await consents.find(other)).toBeUndefined()
  })

  test.each<[string, Decision, Decision, { granted: string[]; refused: string[] }]>([
    ['on other scopes adds to it', decision([PATIENT]), decision([ALLERGIES]), { granted: [PATIENT, ALLERGIES], refused: [] }],
    ['the other way turns it around', decision([PATIENT]), decision([], [PATIENT]), { granted: [], refused: [PATIENT] }],
    ['that allows what was refused', decision([], [PATIENT]), decision([PATIENT]), { granted: [PATIENT], refused: [] }],
    [
      'that refuses part of what was allowed ends what would still give it',
      decision(['patient/*.rs']),
      decision([], [PATIENT]),
      { granted: [], refused: [PATIENT] }
    ],
    [
      'that refuses the wide one leaves the narrow one',
      decision([PATIENT]),
      decision([], ['patient/*.rs']),
      { granted: [PATIENT], refused: ['patient/*.rs'] }
    ],
    [
      'that repeats it changes nothing',
      decision([PATIENT], [ALLERGIES]),
      decision([PATIENT], [ALLERGIES]),
      { granted: [PATIENT], refused: [ALLERGIES] }
    ]
  ])('%s', async (_name, first, second, expected) => {
    const { consents, clock } = await open()
    const before = await consents.decide(KEY, first)
    clock.now += 1000
    const after = await consents.decide(KEY, second)
    expect(after).toMatchObject({ ...expected, consentId: before.consentId, since: before.since, changedAt: clock.now })
    expect(await consents.find(KEY)).toEqual(after)
  })

  test('of a person and of an organization are two, and the end of one leaves the other', async () => {
    const { consents } = await open()
    const approval = { ...KEY, by: 'organization' } as const
    const own = await consents.decide(KEY, decision([PATIENT], [ALLERGIES]))
    const theirs = await consents.decide(approval, decision([PATIENT, ALLERGIES]))
    expect(await consents.find(KEY)).toEqual(own)
    expect(await consents.find(approval)).toEqual(theirs)
    const all = []
    for await (const consent of consents.of('acc-1')) all.push(consent.consentId)
    expect(all.sort()).toEqual([own.consentId, theirs.consentId].sort())
    expect(await consents.end('acc-1', own.consentId)).toEqual(own)
    expect(await consents.find(KEY)).toBeUndefined()
    expect(await consents.find(approval)).toEqual(theirs)
    const again = await consents.decide(KEY, decision([PATIENT]))
    expect(await consents.end('acc-1', theirs.consentId)).toEqual(theirs)
    expect(await consents.find(approval)).toBeUndefined()
    expect(await consents.find(KEY)).toEqual(again)
  })

  test('is behind a Grant that has its id, whoever decided, and behind no other', async () => {
    const { consents } = await open()
    const own = await consents.decide(KEY, decision([PATIENT]))
    const theirs = await consents.decide({ ...KEY, by: 'organization' }, decision([ALLERGIES]))
    for (const one of [own, theirs]) expect(await consents.behind({ ...KEY, consentId: one.consentId })).toEqual(one)
    for (const consentId of [undefined, 'another', `${theirs.consentId}x`, `org.${own.consentId}`])
      expect(await consents.behind({ ...KEY, consentId })).toBeUndefined()
    expect(await consents.behind({ ...KEY, patient: 'maria', consentId: own.consentId })).toBeUndefined()
  })

  test('F22: of an organization, from when it had the place of a person’s, is behind its Grants and is no person’s', async () => {
    const { consents, store } = await open()
    const kind: Kind<Consent> = { name: 'consent', guessable: true }
    const { patient: _, ...clinician } = KEY
    const id = '5:acc-19:heart-app6:clinic'
    const held: Consent = {
      ...clinician,
      consentId: 'A'.repeat(22),
      clientName: 'Heart App',
      granted: [PATIENT],
      refused: [],
      since: 1,
      changedAt: 1,
      by: 'organization'
    }
    await store.put(kind, id, held, { indexes: { account: 'acc-1' } })
    expect(await consents.behind({ ...clinician, consentId: held.consentId })).toEqual(held)
    expect(await consents.find(clinician)).toBeUndefined()
    expect(await consents.end('acc-1', held.consentId)).toEqual(held)
    expect(await consents.behind({ ...clinician, consentId: held.consentId })).toBeUndefined()
    // A person who decides takes nothing over.
    await store.put(kind, id, held, { indexes: { account: 'acc-1' } })
    const own = await consents.decide(clinician, decision([ALLERGIES]))
    expect(own).toMatchObject({ granted: [ALLERGIES] })
    expect(own.consentId).not.toBe(held.consentId)
  })

  test('of two at once neither is lost', async () => {
    const { consents } = await open()
    await Promise.all([PATIENT, ALLERGIES, 'openid'].map((scope) => consents.decide(KEY, decision([scope]))))
    expect((await consents.find(KEY))?.granted.toSorted()).toEqual([PATIENT, ALLERGIES, 'openid'].sort())
  })
})

describe('its end', () => {
  test('comes by itself', async () => {
    const { consents, clock } = await open()
    await consents.decide(KEY, decision([PATIENT], [], { until: clock.now + 1000 }))
    clock.now += 999
    expect(await consents.find(KEY)).toBeDefined()
    clock.now += 1
    expect(await consents.find(KEY)).toBeUndefined()
  })

  test.each([
    ['is moved by a later answer', 5000, 5000],
    ['is taken away by until-stopped', undefined, undefined],
    ['stays where the person was not asked', 'as-before', 1000]
  ] as const)('%s', async (_name, answer, expected) => {
    const { consents, clock } = await open()
    const at = (ms: number | undefined) => (ms === undefined ? undefined : clock.now + ms)
    await consents.decide(KEY, decision([PATIENT], [], { until: at(1000) }))
    const until = answer === 'as-before' ? answer : at(answer)
    const after = await consents.decide(KEY, decision([ALLERGIES], [], { until }))
    expect(after.until).toBe(at(expected))
  })

  test('is the person’s at any moment; what begins afterwards is another consent', async () => {
    const { consents } = await open()
    const { consentId } = await consents.decide(KEY, decision([PATIENT]))
    expect(await consents.end('acc-2', consentId)).toBeUndefined()
    expect(await consents.end('acc-1', 'another')).toBeUndefined()
    expect(await consents.find(KEY)).toBeDefined()
    expect(await consents.end('acc-1', consentId)).toMatchObject({ consentId, clientId: 'heart-app' })
    expect(await consents.find(KEY)).toBeUndefined()
    expect(await consents.end('acc-1', consentId)).toBeUndefined()
    expect((await consents.decide(KEY, decision([PATIENT]))).consentId).not.toBe(consentId)
  })

  test('keeps its id for as long as it lasts, which is told before a decision counts', async () => {
    const { consents } = await open()
    const { consentId } = await consents.decide(KEY, decision([PATIENT]))
    const told: string[] = []
    const tell = async (id: string) => void told.push(id)
    expect((await consents.decide(KEY, decision([ALLERGIES]), tell)).consentId).toBe(consentId)
    // Somebody ends it while the next decision is being recorded.
    const after = await consents.decide(KEY, decision([PATIENT]), async (id) => {
      await tell(id)
      await consents.end(KEY.accountId, consentId)
    })
    expect(told).toEqual([consentId, consentId, after.consentId])
    expect(after.consentId).not.toBe(consentId)
    expect(after.granted).toEqual([PATIENT])
  })

  test('whose recording fails is not remembered', async () => {
    const { consents } = await open()
    await expect(consents.decide(KEY, decision([PATIENT]), () => Promise.reject(new Error('away')))).rejects.toThrow('away')
    expect(await consents.find(KEY)).toBeUndefined()
  })

  test('forgets the oldest scopes before it grows without bounds', async () => {
    const { consents } = await open()
    const many = (from: number) => Array.from({ length: 1500 }, (_, at) => `patient/Patient.rs?_id=${from + at}`)
    await consents.decide(KEY, decision(many(0), many(5000)))
    const { granted, refused } = await consents.decide(KEY, decision(many(1500), many(6500)))
    expect(granted).toHaveLength(2000)
    expect(granted.slice(-1500)).toEqual(many(1500))
    expect(refused.slice(-1500)).toEqual(many(6500))
  })

  test('is found among more of them than one page holds', async () => {
    const { consents } = await open()
    const made = []
    for (let index = 0; index < 120; index++)
      made.push(await consents.decide({ ...KEY, patient: `p-${index}` }, decision([PATIENT])))
    for (const { consentId } of made) expect(await consents.end('acc-1', consentId)).toBeDefined()
    for await (const left of consents.of('acc-1')) expect.unreachable(`${left.patient} is still there`)
  })
})
