import { expect, test } from 'vitest'
import { DURATIONS, endOf, parseDuration } from '../../../src/consent/duration.ts'

const now = Date.UTC(2027, 0, 31, 12)

test.each([
  ['today', '2027-02-01T12:00:00.000Z'],
  ['3months', '2027-05-03T12:00:00.000Z'],
  ['1year', '2028-02-01T12:00:00.000Z']
] as const)('%s ends on %s', (duration, end) => {
  expect(new Date(endOf(duration, now) ?? 0).toISOString()).toBe(end)
})

test('until stopped has no end', () => {
  expect(endOf('until-stopped', now)).toBeUndefined()
})

test.each([...DURATIONS])('%s is read', (text) => expect(parseDuration(text)).toBe(text))
test.each(['', 'forever', 'Today', '3months ', '__proto__'])('%j is no duration', (text) =>
  expect(parseDuration(text)).toBeUndefined()
)
