/** The checker itself: each violation, planted, is found, and what is allowed is not. */
import { expect, test } from 'vitest'
import { type Answer, type Call, type Operation, violationsIn } from './history.ts'

let clock = 0
/** One call after the other. */
function call(operation: Operation, answer: Answer): Call {
  clock += 10
  return { operation, answer, start: clock, end: clock + 5 }
}
const redeem = (code: string): Operation => ({ type: 'redeem', code })
const refresh = (token: string): Operation => ({ type: 'refresh', token })
const introspect = (token: string): Operation => ({ type: 'introspect', token })
const revoke = (...tokens: string[]): Operation => ({ type: 'end', tokens })
const keep = (what: string): Operation => ({ type: 'keep', what })
const find = (what: string): Operation => ({ type: 'find', what })
const assertion = (client: string): Operation => ({ type: 'assertion', client, jti: 'j' })
const otp: Operation = { type: 'one-time-code', account: 'maria', code: '123456' }
const tokens = (name: string): Answer & { type: 'tokens' } => ({
  type: 'tokens',
  access: `at-${name}`,
  refresh: `rt-${name}`,
  requestId: name
})
const refused: Answer = { type: 'refused', error: 'invalid_grant' }
const done: Answer = { type: 'done' }
const active = (is: boolean): Answer => ({ type: 'active', active: is })
const unavailable: Answer = { type: 'unavailable' }
const lost: Answer = { type: 'lost' }
const issued = new Set(['1', '2', '3'])

const planted: [string, string, () => Call[]][] = [
  ['I1', 'a code that gives two families', () => [call(redeem('c'), tokens('1')), call(redeem('c'), tokens('2'))]],
  [
    'I1',
    'a refresh token that gives two successors',
    () => [call(redeem('c'), tokens('1')), call(refresh('rt-1'), tokens('2')), call(refresh('rt-1'), tokens('3'))]
  ],
  ['I2', 'a one-time code that is accepted twice', () => [call(otp, done), call(otp, done)]],
  ['I2', 'an assertion that is accepted twice', () => [call(assertion('one'), done), call(assertion('one'), done)]],
  [
    'I2',
    'an interaction that gives two codes',
    () => [call({ type: 'resume', interaction: 'i' }, done), call({ type: 'resume', interaction: 'i' }, done)]
  ],
  [
    'I3',
    'an access token that works after its family was revoked',
    () => [call(redeem('c'), tokens('1')), call(revoke('rt-1'), done), call(introspect('at-1'), active(true))]
  ],
  [
    'I3',
    'a successor that refreshes after the first token was revoked',
    () => [
      call(redeem('c'), tokens('1')),
      call(refresh('rt-1'), tokens('2')),
      call(revoke('rt-1'), done),
      call(refresh('rt-2'), tokens('3'))
    ]
  ],
  [
    'I4',
    'a successor that is refused on its first use',
    () => [call(redeem('c'), tokens('1')), call(refresh('rt-1'), tokens('2')), call(refresh('rt-2'), refused)]
  ],
  ['I5', 'a token without an audit record', () => [call(redeem('c'), tokens('unheard-of'))]],
  [
    'I6',
    'a write that is gone though nobody ended it',
    () => [call(keep('consent'), done), call(find('consent'), { type: 'found', found: false })]
  ],
  [
    'I6',
    'a write that is gone though it was ended only before',
    () => [
      call(keep('consent'), done),
      call(revoke('consent'), done),
      call(keep('consent'), done),
      call(find('consent'), { type: 'found', found: false })
    ]
  ],
  ['I8', 'tokens of somebody else', () => [call({ type: 'redeem', code: 'c', of: 'ana' }, { ...tokens('1'), whose: 'peter' })]],
  [
    'I8',
    'a refreshed token that is said to be of somebody else',
    () => [
      call({ type: 'redeem', code: 'c', of: 'ana' }, tokens('1')),
      call(refresh('rt-1'), tokens('2')),
      call(introspect('at-2'), { type: 'active', active: true, whose: 'peter' })
    ]
  ],
  ['I7', 'a good code that is refused', () => [call(redeem('c'), refused)]],
  [
    'I7',
    'a good token that is said to be inactive',
    () => [call(redeem('c'), tokens('1')), call(introspect('at-1'), active(false))]
  ],
  ['I7', 'a 500', () => [call(redeem('c'), { type: 'fault', what: '500' })]],
  ['I7', 'no answer', () => [call(redeem('c'), lost)]]
]
test.each(planted)('%s: %s is found, and nothing else', (invariant, _what, calls) => {
  expect(violationsIn({ calls: calls(), issued }).map((violation) => violation.invariant)).toEqual([invariant])
})

const allowed: [string, () => Call[]][] = [
  [
    'a code redeemed, refreshed, revoked and dead',
    () => [
      call(redeem('c'), tokens('1')),
      call(introspect('at-1'), active(true)),
      call(refresh('rt-1'), tokens('2')),
      call(revoke('rt-2'), done),
      call(introspect('at-2'), active(false)),
      call(refresh('rt-2'), refused)
    ]
  ],
  [
    'a family that a second use has ended',
    () => [
      call(redeem('c'), tokens('1')),
      call(redeem('c'), refused),
      call(introspect('at-1'), active(false)),
      call(refresh('rt-1'), refused)
    ]
  ],
  [
    'a retry after 503, whether the first try had happened or not',
    () => [
      call(redeem('c'), unavailable),
      call(redeem('c'), refused),
      call(redeem('d'), unavailable),
      call(redeem('d'), tokens('1'))
    ]
  ],
  [
    'a revocation that nobody acknowledged',
    () => [call(redeem('c'), tokens('1')), call(revoke('rt-1'), unavailable), call(introspect('at-1'), active(true))]
  ],
  [
    'the same successor once more',
    () => [
      call(redeem('c'), tokens('1')),
      call(refresh('rt-1'), tokens('2')),
      call(refresh('rt-1'), tokens('2')),
      call(introspect('at-2'), active(true))
    ]
  ],
  [
    'a write that is there until it is ended, and one that nobody acknowledged',
    () => [
      call(keep('consent'), done),
      call(find('consent'), { type: 'found', found: true }),
      call(revoke('consent'), unavailable),
      call(find('consent'), { type: 'found', found: false }),
      call(keep('other'), unavailable),
      call(find('other'), { type: 'found', found: false })
    ]
  ],
  [
    'tokens that say whose they are',
    () => [
      call({ type: 'redeem', code: 'c', of: 'ana' }, { ...tokens('1'), whose: 'ana' }),
      call(introspect('at-1'), { type: 'active', active: true, whose: 'ana' })
    ]
  ],
  ['the same jti of two clients', () => [call(assertion('one'), done), call(assertion('other'), done)]],
  ['a one-time code that is accepted once', () => [call(otp, done), call(otp, { type: 'refused', error: 'code-used' })]]
]
test.each(allowed)('%s is no violation', (_what, calls) => {
  expect(violationsIn({ calls: calls(), issued })).toEqual([])
})

test('an answer may be missing only where a server was killed', () => {
  expect(violationsIn({ calls: [call(redeem('c'), lost)], issued, mayLose: true })).toEqual([])
})

test('a token that was read while its family was being ended may still have worked', () => {
  const slow = { ...call(introspect('at-1'), active(true)), start: 0 }
  expect(violationsIn({ calls: [call(redeem('c'), tokens('1')), call(revoke('rt-1'), done), slow], issued })).toEqual([])
})
