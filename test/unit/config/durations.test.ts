import { expect, test } from 'vitest'
import { parseDuration } from '../../../src/config/durations.ts'

test.each([
  ['60s', 60],
  ['15m', 900],
  ['12h', 43_200],
  ['93d', 8_035_200]
])('%s is %d seconds', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds)
})

test.each(['', '60', 's', '0s', '-1m', '1.5h', '15 m', '15M', '1w', '1m30s', ' 1m', '1m\n', '9999999999s'])(
  '%j is not a length of time',
  (text) => {
    expect(parseDuration(text)).toBeUndefined()
  }
)
