import { expect, test } from 'vitest'
import { createSessions } from '../../../demo/web-apps/sessions.ts'

const sessions = () => createSessions<string>({ cookieName: 'app-session', path: '/app/' })
const idIn = (cookie: string) => /^app-session=([\w-]{43}); /.exec(cookie)?.[1]

test('the browser is told a random name that no script and no other path sees', () => {
  const cookie = sessions().start(undefined, 'tokens')
  expect(cookie).toMatch(/^app-session=[\w-]{43}; Path=\/app\/; HttpOnly; SameSite=Lax$/)
})

test('each start has a new name, and the one before it is worth nothing', () => {
  const all = sessions()
  const first = idIn(all.start(undefined, 'before the sign-in'))
  const second = idIn(all.start(first, 'after it'))
  expect(second).not.toBe(first)
  expect([all.find(first), all.find(second), all.find(undefined)]).toEqual([undefined, 'after it', undefined])
})

test('what has ended is not there again, whatever is set under its name', () => {
  const all = sessions()
  const id = idIn(all.start(undefined, 'tokens')) ?? ''
  all.set(id, 'newer tokens')
  expect(all.find(id)).toBe('newer tokens')
  all.end(id)
  all.set(id, 'late tokens')
  expect(all.find(id)).toBeUndefined()
})

test('of too many the oldest goes', () => {
  const all = sessions()
  const ids = Array.from({ length: 1001 }, (_none, at) => idIn(all.start(undefined, String(at))))
  expect([all.find(ids[0]), all.find(ids[1]), all.find(ids[1000])]).toEqual([undefined, '1', '1000'])
})
