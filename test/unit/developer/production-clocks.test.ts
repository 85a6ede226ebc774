/** The clocks of 45 CFR 170.404(b)(1), and who is told when one has run out. */
import { beforeEach, expect, test, vi } from 'vitest'
import { readAudit } from '../../../src/audit/read.ts'
import { KEPT_UNUSED } from '../../../src/clients/stored-clients.ts'
import { approveCommand, declineCommand, requestsCommand, verifyRequestCommand } from '../../../src/developer/commands.ts'
import { afterBusinessDays } from '../../../src/developer/production.ts'
import { watchRequests } from '../../../src/developer/production-watch.ts'
import { createLogger } from '../../../src/observability/logger.ts'
import { FRIDAY, ID, newRequesting, type Requesting } from './requesting.ts'

let place: Requesting
beforeEach(async () => {
  place = await newRequesting()
})

test.each([
  [1, '2026-05-04'],
  [5, '2026-05-08'],
  [10, '2026-05-15']
])('%i business days after a Friday it is %s', (days, date) => {
  expect(new Date(afterBusinessDays(FRIDAY, days)).toISOString().slice(0, 10)).toBe(date)
})

interface Watched {
  /** What the log was told, by one process that looks again and again. */
  alarms: unknown[][]
  overdue: unknown[]
}

async function watched(): Promise<Watched> {
  const logger = createLogger({ level: 'silent' })
  const warn = vi.spyOn(logger, 'warn')
  let looks = 0
  const counted = {
    ...place.stored,
    async asking() {
      looks += 1
      return place.stored.asking()
    }
  }
  await place.withAuditTrail(place.store, async (audit) => {
    const watch = watchRequests({ stored: counted, audit, logger, now: place.now, every: 5 })
    await vi.waitFor(() => expect(looks).toBeGreaterThan(3), { timeout: 20_000 })
    watch.close()
    const seen = looks
    await new Promise((resolve) => setImmediate(resolve))
    expect(looks).toBe(seen)
  })
  const overdue: unknown[] = []
  for await (const { event } of readAudit(place.store))
    if (event.type === 'registration' && event.outcome === 'production-overdue') overdue.push(event)
  return { alarms: warn.mock.calls, overdue }
}
const OVERDUE = { type: 'registration', outcome: 'production-overdue', clientId: ID }

test('a request that is not verified in ten business days is marked, told to the log, and recorded once by all processes', async () => {
  await place.ask()
  place.time = Date.parse('2026-05-15T15:00:00Z')
  await requestsCommand(place.deps())
  expect(place.printed.join('\n')).not.toContain('OVERDUE')
  expect(await watched()).toEqual({ alarms: [], overdue: [] })
  place.time = Date.parse('2026-05-15T17:00:00Z')
  await requestsCommand(place.deps())
  expect(place.printed.join('\n')).toContain('verify by 2026-05-15, OVERDUE')
  const told = { clientId: ID, clock: 'verify', due: '2026-05-15T16:00:00.000Z' }
  const alarms = [[told, 'a request for production is overdue']]
  expect(await watched()).toEqual({ alarms, overdue: [{ ...OVERDUE, reason: 'verify' }] })
  // Another process, or the same one after a restart.
  expect(await watched()).toEqual({ alarms, overdue: [{ ...OVERDUE, reason: 'verify' }] })
})

test('an app that is verified has a clock of its own, five business days, until production is opened', async () => {
  await place.ask()
  place.time = Date.parse('2026-05-20T10:00:00Z')
  expect(await verifyRequestCommand(place.deps(), `${ID}@another`)).toBe(1)
  expect(await verifyRequestCommand(place.deps(), await place.request())).toBe(0)
  expect(await verifyRequestCommand(place.deps(), await place.request())).toBe(1)
  expect(await place.stored.find(ID)).toMatchObject({ sandbox: true, verified: false })
  expect((await place.stored.read(ID))?.production).toMatchObject({
    state: 'verified',
    verifiedAt: place.time,
    enableBy: Date.parse('2026-05-27T10:00:00Z')
  })
  place.printed = []
  await requestsCommand(place.deps())
  expect(place.printed.join('\n')).toContain('  asked: 2026-05-01, verified: 2026-05-20, open production by 2026-05-27\n')
  expect(await watched()).toEqual({ alarms: [], overdue: [] })

  place.time = Date.parse('2026-05-27T11:00:00Z')
  place.printed = []
  await requestsCommand(place.deps())
  expect(place.printed.join('\n')).toContain('open production by 2026-05-27, OVERDUE')
  const told = { clientId: ID, clock: 'enable', due: '2026-05-27T10:00:00.000Z' }
  const alarms = [[told, 'a request for production is overdue']]
  expect(await watched()).toEqual({ alarms, overdue: [{ ...OVERDUE, reason: 'enable' }] })

  // The trail is read in the order of time.
  place.time += 1000
  expect(await approveCommand(place.deps(), await place.request())).toBe(0)
  expect((await place.stored.read(ID))?.production).toMatchObject({
    state: 'approved',
    verifiedAt: Date.parse('2026-05-20T10:00:00Z')
  })
  expect(await place.outcomes()).toEqual(['production-verified', 'production-overdue', 'production-approved'])
  expect(await place.reasons()).toEqual(['late', 'enable', 'late'])
  expect(await watched()).toMatchObject({ alarms: [] })
})

test('a request, and its clock, outlives the 90 days for which an unused app is kept', async () => {
  await place.ask()
  place.time += 2 * KEPT_UNUSED
  place.printed = []
  await requestsCommand(place.deps())
  expect(place.printed.join('\n')).toContain('verify by 2026-05-15, OVERDUE')
  expect(await declineCommand(place.deps(), ID, { ground: 'unreachable', reason: 'nobody answers' })).toBe(0)
  expect(await place.stored.find(ID)).toMatchObject({ sandbox: true })
  place.time += KEPT_UNUSED
  expect(await place.stored.find(ID)).toBeUndefined()
})
