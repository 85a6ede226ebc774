import { expect, test } from 'vitest'
import { REDEEM_WITHIN } from '../../../src/smart/launch.ts'
import { createPlace } from './place.ts'

const LAUNCH = {
  clientId: 'heart-app',
  fhirServer: 'clinic',
  ehr: 'clinic-ehr',
  context: { patient: 'leo', encounter: 'visit-1' }
}
const BY = { clientId: 'heart-app', fhirServer: 'clinic', codeChallenge: 'one', browser: 'hers' }

test('a handle gives back the context that it was made for, to the request that redeems it', async () => {
  const { launches } = await createPlace()
  const handle = await launches.create(LAUNCH)
  expect(await launches.redeemed(handle, 'one')).toBeUndefined()
  expect(await launches.redeem(handle, BY)).toMatchObject(LAUNCH)
  expect(await launches.redeemed(handle, 'one')).toMatchObject(LAUNCH)
  expect(await launches.redeemed(handle, 'another')).toBeUndefined()
})

test.each([
  ['by another app', { clientId: 'second-app' }],
  ['at another FHIR server', { fhirServer: 'other' }]
])('it is not redeemed %s, and stays good', async (_name, changes) => {
  const { launches } = await createPlace()
  const handle = await launches.create(LAUNCH)
  expect(await launches.redeem(handle, { ...BY, ...changes })).toBeUndefined()
  expect(await launches.redeem(handle, BY)).toBeDefined()
})

test.each([
  ['in its last moment', REDEEM_WITHIN * 1000 - 1, true],
  ['at its end', REDEEM_WITHIN * 1000, false],
  ['long after', 24 * 60 * 60 * 1000, false]
])('%s it is redeemed: %s', async (_name, ms, expected) => {
  const { launches, clock } = await createPlace()
  const handle = await launches.create(LAUNCH)
  clock.now += ms
  expect((await launches.redeem(handle, BY)) !== undefined).toBe(expected)
})

test('D9: a handle from before a fence is not redeemed, by the request that has redeemed it neither; one from after it is', async () => {
  const { launches, clock, fence } = await createPlace()
  const [redeemed, fresh] = [await launches.create(LAUNCH), await launches.create(LAUNCH)]
  expect(await launches.redeem(redeemed, BY)).toBeDefined()
  fence.raise(clock.now + 1)
  for (const handle of [redeemed, fresh]) expect(await launches.redeem(handle, BY)).toBeUndefined()
  clock.now += 1
  expect(await launches.redeem(await launches.create(LAUNCH), BY)).toBeDefined()
})

test('once redeemed it is the same request’s, also later, and nobody else’s', async () => {
  const { launches, clock } = await createPlace()
  const handle = await launches.create(LAUNCH)
  await launches.redeem(handle, BY)
  clock.now += (REDEEM_WITHIN + 60) * 1000
  expect(await launches.redeem(handle, BY)).toBeDefined()
  expect(await launches.redeem(handle, { ...BY, codeChallenge: 'another' })).toBeUndefined()
  expect(await launches.redeem(handle, { ...BY, browser: 'of somebody who saw the request' })).toBeUndefined()
  clock.now += 2 * 60 * 60 * 1000
  expect(await launches.redeemed(handle, 'one')).toBeUndefined()
})

test('of many requests at once, one redeems it', async () => {
  const { launches } = await createPlace()
  const handle = await launches.create(LAUNCH)
  const all = await Promise.all(
    Array.from({ length: 10 }, (_, index) => launches.redeem(handle, { ...BY, codeChallenge: `${index}` }))
  )
  expect(all.filter((one) => one !== undefined)).toHaveLength(1)
})

test.each(['', 'unknown', 'AAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA'])('the handle %j is unknown', async (handle) => {
  const { launches } = await createPlace()
  expect(await launches.redeem(handle, BY)).toBeUndefined()
  expect(await launches.redeemed(handle, 'one')).toBeUndefined()
})
