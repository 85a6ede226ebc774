import { beforeEach, expect, test } from 'vitest'
import { createOpenedRecords, type OpenedRecords } from '../../../src/store/opened-records.ts'

let openings: string[]
let opened: OpenedRecords
beforeEach(() => {
  openings = []
  opened = createOpenedRecords(40)
})

/** Ten bytes at a place. */
function at(place: string, content = place): unknown {
  const bytes = Buffer.from(content.padEnd(10))
  return opened.at(place, bytes, () => {
    openings.push(content)
    return { record: { content }, expiresAt: undefined, indexes: [] }
  }).record
}

test('what is asked for again is kept: the same bytes at the same place are not opened a third time, and only those', () => {
  expect([at('a'), at('a'), at('a'), at('b'), at('a', 'changed'), at('a', 'changed'), at('a')]).toEqual(
    ['a', 'a', 'a', 'b', 'changed', 'changed', 'a'].map((content) => ({ content }))
  )
  expect(openings).toEqual(['a', 'a', 'b', 'changed', 'a'])
})

test('what is asked for once in a long while is not kept', () => {
  const many = 200_000
  for (let i = 0; i < many; i += 1) at(`cold ${i}`)
  openings = []
  for (let i = 0; i < 1000; i += 1) at(`cold ${i}`)
  // Some share a mark with another.
  expect(openings.length).toBeGreaterThan(950)
})

test('bytes that change after they were seen are not taken for what was opened', () => {
  const bytes = Buffer.from('1234567890')
  at('a', '1234567890')
  const open = (content: string) => opened.at('a', bytes, () => ({ record: content, expiresAt: undefined, indexes: [] })).record
  expect(open('before')).toBe('before')
  bytes.write('9')
  expect(open('after')).toBe('after')
})

test('what is asked for again and again stays, and what is not goes: the sum is bounded', () => {
  for (let i = 0; i < 100; i += 1) {
    at('hot')
    at(`cold ${i}`)
  }
  expect(openings.filter((content) => content === 'hot')).toHaveLength(2)
  openings = []
  for (let i = 0; i < 100; i += 1) at(`cold ${i}`)
  expect(openings).toHaveLength(100)
})

test('what is larger than half of all is opened each time', () => {
  for (let i = 0; i < 3; i += 1) at('x'.repeat(21))
  expect(openings).toHaveLength(3)
})

test('an opening that fails is tried anew', () => {
  const bytes = Buffer.from('bytes')
  const fail = () => {
    throw new Error('changed')
  }
  expect(() => opened.at('a', bytes, fail)).toThrow('changed')
  expect(() => opened.at('a', bytes, fail)).toThrow('changed')
})
