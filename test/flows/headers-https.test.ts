/** Case 127 where the issuer is https: what is said of it on every answer. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sendRaw } from '../harness/half-request.ts'
import { type Keyward, startKeyward } from '../harness/keyward.ts'
import { expectProtected } from '../harness/protecting-headers.ts'

describe('case 127: with an https issuer', () => {
  let secure: Keyward
  let port: number
  beforeAll(async () => {
    secure = await startKeyward({ change: (config) => ({ ...config, issuer: 'https://sign-in.hospital.example' }) })
    port = secure.config.listen.port
  })
  afterAll(() => secure.stop())

  test.each([
    ['/readyz', 200],
    ['/style.css', 200],
    ['/.well-known/openid-configuration', 200],
    ['/account', 303],
    ['/interaction/none/login', 400],
    ['/nothing', 404],
    ['/token', 405],
    ['/authorize?client_id=small-app', 500]
  ])('HSTS stands on %s (%i)', async (path, status) => {
    await secure.spoil({ name: 'client-status', guessable: true }, 'small-app')
    const request = `GET ${path} HTTP/1.1\r\nHost: sign-in.hospital.example\r\nAccept: text/html\r\nConnection: close\r\n\r\n`
    const sent = await sendRaw(port, request)
    expect(sent.status).toBe(status)
    const [head = ''] = sent.answer.split('\r\n\r\n')
    const headers = new Headers(
      head
        .split('\r\n')
        .slice(1)
        .map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
    )
    expectProtected(headers)
    expect(headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains')
  })

  test('over http, in a demo, there is none', async () => {
    const plain = await startKeyward()
    try {
      expect((await fetch(`${plain.issuer}/livez`)).headers.get('strict-transport-security')).toBeNull()
    } finally {
      await plain.stop()
    }
  })
})
