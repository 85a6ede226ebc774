/** Case 139: a request about whose end two servers could differ is refused, and texts that are made to keep a pattern busy keep none. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { sendRaw } from '../harness/half-request.ts'
import { type Keyward, startKeyward } from '../harness/keyward.ts'

/** The case's bound, in milliseconds: the best of some tries, as a busy machine may stop any of them. */
const BOUND = 50
const TRIES = 5
const FORM = 'Content-Type: application/x-www-form-urlencoded'
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n'
const BODY = 'grant_type=refresh_token&client_id=heart-app&refresh_token=none'

let keyward: Keyward
beforeAll(async () => {
  keyward = await startKeyward()
})
afterAll(() => keyward?.stop())

const head = (...lines: string[]): string =>
  ['POST /token HTTP/1.1', `Host: ${new URL(keyward.issuer).host}`, FORM, 'Connection: close', ...lines, '', ''].join('\r\n')

describe('case 139: where a request ends', () => {
  test.each<[string, () => string]>([
    [
      'Content-Length and Transfer-Encoding',
      () => `${head(`Content-Length: ${BODY.length}`, 'Transfer-Encoding: chunked')}0\r\n\r\n${SMUGGLED}`
    ],
    [
      'Transfer-Encoding and Content-Length',
      () => `${head('Transfer-Encoding: chunked', 'Content-Length: 4')}0\r\n\r\n${SMUGGLED}`
    ],
    ['two Content-Lengths that differ', () => `${head(`Content-Length: ${BODY.length}`, 'Content-Length: 0')}${BODY}`],
    ['two Content-Lengths in one line', () => `${head(`Content-Length: ${BODY.length}, 0`)}${BODY}`],
    ['a Content-Length with a sign', () => `${head(`Content-Length: +${BODY.length}`)}${BODY}`],
    ['a Content-Length in hexadecimal', () => `${head('Content-Length: 0x3f')}${BODY}`],
    ['a Transfer-Encoding that is not chunked', () => `${head('Transfer-Encoding: xchunked')}${BODY}`],
    ['chunked that is not the last', () => `${head('Transfer-Encoding: chunked, identity')}0\r\n\r\n`],
    ['a blank before the colon', () => `${head(`Content-Length : ${BODY.length}`)}${BODY}`],
    ['a folded line', () => `${head('X-Folded: a', ' b', `Content-Length: ${BODY.length}`)}${BODY}`],
    ['bare line feeds', () => `${head(`Content-Length: ${BODY.length}`).replaceAll('\r\n', '\n')}${BODY}`],
    ['one bare line feed', () => `${head(`X-One: a\nContent-Length: ${BODY.length}`)}${BODY}`],
    ['a bare carriage return', () => `${head(`X-One: a\rContent-Length: ${BODY.length}`)}${BODY}`],
    ['a chunk whose size ends in a bare line feed', () => `${head('Transfer-Encoding: chunked')}3\na=b\r\n0\r\n\r\n`]
  ])('%s: 400, and what follows is not read as a request', async (_what, text) => {
    const { status, answer } = await sendRaw(Number(new URL(keyward.issuer).port), text())
    expect({ status, answers: answer.match(/^HTTP\/1\.1 /gm)?.length }).toEqual({ status: 400, answers: 1 })
    expect(answer).not.toContain('smuggled')
    // Nothing of it got as far as a decision.
    expect(answer).not.toContain('invalid_grant')
  })

  test('the same request with one length is decided on', async () => {
    const text = `${head(`Content-Length: ${BODY.length}`)}${BODY}`
    expect((await sendRaw(Number(new URL(keyward.issuer).port), text)).answer).toContain('invalid_grant')
  })
})

describe('case 139: texts that keep a pattern busy', () => {
  const long = 7000
  /** Of characters that take three in an address. */
  const encoded = 2400
  const hostile: [string, Record<string, string>][] = [
    ['a scope of one letter', { scope: `patient/${'a'.repeat(long)}.` }],
    ['a scope of dots', { scope: `patient/Observation.rs?${'a=b&'.repeat(encoded / 4)}!` }],
    ['a scope of equal signs', { scope: `patient/Observation.rs?category=${'|'.repeat(encoded)}` }],
    ['a scope of verbs', { scope: `patient/Patient.${'cruds'.repeat(long / 5)}` }],
    ['many short scopes', { scope: 'a '.repeat(long / 2) }],
    ['blanks before a scope', { scope: `${' '.repeat(long)}x` }],
    ['a redirect_uri of slashes', { redirect_uri: `http://localhost:9002/${'/'.repeat(encoded)}` }],
    ['a redirect_uri of dots', { redirect_uri: `http://${'a.'.repeat(long / 2)}!/app` }],
    ['a redirect_uri of at signs', { redirect_uri: `http://${'a@'.repeat(encoded / 2)}localhost:9002/app` }],
    ['an aud of slashes', { aud: `http://localhost:9001/fhir${'/'.repeat(encoded)}x` }],
    ['a prompt of blanks', { prompt: `login${' '.repeat(long)}x` }],
    ['ui_locales of hyphens', { ui_locales: 'a-'.repeat(long / 2), scope: '' }],
    ['a claims parameter of brackets', { claims: '['.repeat(encoded) }],
    ['a request that is nearly a JWT', { request: `${'a.'.repeat(long / 2)}` }],
    ['a challenge of one letter', { code_challenge: 'a'.repeat(long) }]
  ]
  test.each(hostile)('%s is refused in time', async (_what, params) => {
    const app = newApp(keyward.issuer)
    const tries: number[] = []
    for (let count = 0; count < TRIES; count++) {
      const began = performance.now()
      const answer = await newBrowser(keyward.issuer).send(app.authorizationUrl({ prompt: 'none', ...params }))
      await answer.arrayBuffer()
      tries.push(performance.now() - began)
      expect([303, 400]).toContain(answer.status)
      const location = answer.headers.get('location') ?? 'error='
      expect(location).toContain('error=')
      expect(location.length).toBeLessThan(4096)
    }
    expect(Math.min(...tries)).toBeLessThan(BOUND)
  })
})
