/** Keys that a client publishes at its jwks_uri, served over HTTP as well and as badly as can be. */
import { generateKeyPairSync, KeyObject } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createRemoteKeys, type RemoteKeys } from '../../../src/clients/remote-keys.ts'
import { createOutbound } from '../../../src/web/outbound.ts'
import { newClientKey } from '../../harness/backend-client.ts'
import { type JwksServer, startJwksServer } from '../../harness/jwks-server.ts'
import { type Clock, movableClock } from '../../store/engine.ts'

const first = newClientKey('ES384', 'first')
const second = newClientKey('ES384', 'second')

let server: JwksServer
let clock: Clock
let remoteKeys: RemoteKeys
beforeEach(async () => {
  server = await startJwksServer()
  clock = movableClock()
  remoteKeys = createRemoteKeys({ outbound: createOutbound({ allowedHosts: [server.host], now: clock.now }), now: clock.now })
})
afterEach(() => server.stop())

const find = async (kid: string) => {
  const found = await remoteKeys.find(server.uri, kid, 'ES384')
  return found instanceof KeyObject ? 'found' : found
}
const jwkOf = (key: KeyObject): object => key.export({ format: 'jwk' })
const SECOND = 1000
/** 50 MB of blanks, in 50 kB. */
const BOMB = gzipSync(Buffer.alloc(50_000_000, 0x20))

test('SM-135: keys are asked for by GET, as JSON', async () => {
  server.publish([first.jwk])
  expect(await find('first')).toBe('found')
  expect(server.requests.map(({ method, headers }) => [method, headers.accept])).toEqual([['GET', 'application/json']])
})

describe('case 53: SM-136: SM-137: SM-310: keys change', () => {
  test.each<[string, Record<string, string>, number]>([
    ['max-age=300', { 'cache-control': 'max-age=300' }, 300],
    ['max-age=300 among others', { 'cache-control': 'public, max-age=300, must-revalidate' }, 300],
    ['max-age=300 in capitals', { 'cache-control': 'MAX-AGE=300' }, 300],
    ['two of them: the shorter', { 'cache-control': 'max-age=600, max-age=300' }, 300],
    ['max-age=300 at an age of 100', { 'cache-control': 'max-age=300', age: '100' }, 200],
    ['max-age=31536000: an hour', { 'cache-control': 'max-age=31536000' }, 3600],
    ['nothing: a minute', {}, 60],
    ['Expires in 30 s', { expires: new Date(Date.now() + 30_000).toUTCString() }, 30],
    ['max-age before Expires', { 'cache-control': 'max-age=300', expires: '0' }, 300]
  ])('%s: a removed key is refused after it, and not asked about before', async (_what, headers, seconds) => {
    server.publish([first.jwk], headers)
    expect(await find('first')).toBe('found')
    server.publish([second.jwk], headers)
    clock.move((seconds - 2) * SECOND)
    expect(await find('first')).toBe('found')
    expect(server.requests).toHaveLength(1)
    clock.move(3 * SECOND)
    expect(await find('first')).toBe('no-such-key')
    expect(server.requests).toHaveLength(2)
  })

  test.each([
    ['no-store', { 'cache-control': 'no-store' }],
    ['no-store before a max-age', { 'cache-control': 'no-store, max-age=300' }],
    ['no-cache', { 'cache-control': 'no-cache' }],
    ['max-age=0', { 'cache-control': 'max-age=0' }],
    ['a max-age that is none', { 'cache-control': 'max-age=soon' }],
    ['a max-age that is over', { 'cache-control': 'max-age=300', age: '400' }],
    ['Expires in the past', { expires: 'Thu, 01 Jan 1970 00:00:00 GMT' }],
    ['Expires that is no date', { expires: '0' }]
  ])('%s: asked for each time, and a removed key refused at once', async (_what, headers) => {
    server.publish([first.jwk], headers)
    expect(await find('first')).toBe('found')
    expect(await find('first')).toBe('found')
    expect(server.requests).toHaveLength(2)
    server.publish([second.jwk], headers)
    expect(await find('first')).toBe('no-such-key')
    expect(server.requests).toHaveLength(3)
  })

  test.each(['max-age=300', 'max-age=31536000', 'no-store', 'max-age=0'])('%s: a new key works at once', async (directive) => {
    server.publish([first.jwk], { 'cache-control': directive })
    expect(await find('first')).toBe('found')
    server.publish([first.jwk, second.jwk], { 'cache-control': directive })
    expect(await find('second')).toBe('found')
    expect(await find('first')).toBe('found')
  })

  test('kids that somebody made up are asked for only so often, and known keys go on working', async () => {
    server.publish([first.jwk], { 'cache-control': 'max-age=300' })
    expect(await find('first')).toBe('found')
    const answers = new Set<string>()
    for (let made = 0; made < 200; made++) answers.add(await find(`made-up-${made}`))
    expect(answers).toEqual(new Set(['no-such-key', 'asked-too-often']))
    expect(server.requests.length).toBeLessThan(40)
    expect(await find('first')).toBe('found')
    clock.move(10 * SECOND)
    server.publish([first.jwk, second.jwk])
    expect(await find('second')).toBe('found')
  })
})

test.each<[string, 'RS384' | 'ES384', object]>([
  ['RSA of 1024 bits', 'RS384', jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)],
  ['RSA with the exponent 3', 'RS384', jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKey)],
  ['EC on P-256', 'ES384', jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)],
  ['a symmetric key', 'RS384', { kty: 'oct', k: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }],
  ['a symmetric key that says it is RSA', 'RS384', { kty: 'RSA', k: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }],
  ['a key with its private part', 'ES384', jwkOf(newClientKey('ES384').privateKey)]
])('case 52: %s at the address verifies nothing', async (_what, alg, jwk) => {
  server.publish([{ ...jwk, kid: 'weak' }, first.jwk])
  expect(await remoteKeys.find(server.uri, 'weak', alg)).toMatch(/^(weak-key|no-such-key)$/)
  expect(await find('first')).toBe('found')
})

describe('case 54: an address that fails', () => {
  const bad: [string, Parameters<JwksServer['answer']>[0]][] = [
    ['a delay of 10 s', () => undefined],
    ['status 500', (_request, response) => void response.writeHead(500).end('{"keys":[]}')],
    ['status 404', (_request, response) => void response.writeHead(404).end()],
    ['status 201', (_request, response) => void response.writeHead(201).end(JSON.stringify({ keys: [first.jwk] }))],
    ['a redirect to good keys', (request, response) => redirect(request.url ?? '', response)],
    [
      '50 MB',
      (_request, response) => void response.writeHead(200, { 'content-length': 50_000_000 }).end(Buffer.alloc(50_000_000))
    ],
    ['50 MB without saying so', (_request, response) => endless(response, Buffer.alloc(1_000_000, 0x20))],
    ['a slow drip', (_request, response) => drip(response)],
    ['half an answer', (_request, response) => void response.writeHead(200, { 'content-length': 1000 }).end('{"keys"')],
    ['a gzip bomb', (_request, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(BOMB)],
    ['good keys that are said to be gzip', (_request, response) => saidToBe('gzip', response)],
    ['an answer in br', (_request, response) => void response.writeHead(200, { 'content-encoding': 'br' }).end('x')],
    ['bad JSON', (_request, response) => void response.writeHead(200).end('{"keys":[')],
    ['no keys', (_request, response) => void response.writeHead(200).end('{"jwks":[]}')],
    ['keys that are no list', (_request, response) => void response.writeHead(200).end('{"keys":{"length":1}}')],
    ['a reset connection', (request) => void request.socket.destroy()],
    ['an empty answer', (_request, response) => void response.writeHead(200).end()]
  ]

  test.each(bad)('%s: an answer within 3 s, one fetch for 64 at once, and little memory', async (_what, answer) => {
    server.answer(answer)
    const memory = process.memoryUsage().rss
    const began = performance.now()
    const found = await Promise.all(Array.from({ length: 64 }, () => find('first')))
    expect(performance.now() - began).toBeLessThan(3000)
    expect(new Set(found).size).toBe(1)
    expect(found[0]).not.toBe('found')
    expect(server.requests).toHaveLength(1)
    expect(process.memoryUsage().rss - memory).toBeLessThan(150_000_000)
    // Nobody asks again for a moment; then it may have become better.
    expect(await find('first')).toBe('failed-a-moment-ago')
    expect(server.requests).toHaveLength(1)
    server.publish([first.jwk])
    clock.move(6 * SECOND)
    expect(await find('first')).toBe('found')
  })

  test('64 at once that are answered well are one fetch too', async () => {
    server.publish([first.jwk], { 'cache-control': 'no-store' })
    const found = await Promise.all(Array.from({ length: 64 }, () => find('first')))
    expect(new Set(found)).toEqual(new Set(['found']))
    expect(server.requests).toHaveLength(1)
  })

  test('the last good keys are used for as long as they may be kept, and not a second longer', async () => {
    server.publish([first.jwk], { 'cache-control': 'max-age=300' })
    expect(await find('first')).toBe('found')
    server.answer((_request, response) => void response.writeHead(500).end())
    expect(await find('second')).toBe('status')
    expect(await find('first')).toBe('found')
    clock.move(298 * SECOND)
    expect(await find('first')).toBe('found')
    clock.move(3 * SECOND)
    expect(await find('first')).toBe('status')
  })

  test('F26: another client, at another address, is not affected', async () => {
    const other = await startJwksServer()
    const outbound = createOutbound({ allowedHosts: [server.host, other.host], now: clock.now })
    const both = createRemoteKeys({ outbound, now: clock.now })
    other.publish([second.jwk])
    server.answer(() => undefined)
    const waiting = Promise.all(Array.from({ length: 64 }, () => both.find(server.uri, 'first', 'ES384')))
    expect(await both.find(other.uri, 'second', 'ES384')).toBeInstanceOf(KeyObject)
    expect(new Set(await waiting)).toEqual(new Set(['timed-out']))
    await other.stop()
  })
})

type Response = Parameters<Parameters<JwksServer['answer']>[0]>[1]

function saidToBe(encoding: string, response: Response): void {
  response.writeHead(200, { 'content-encoding': encoding }).end(JSON.stringify({ keys: [first.jwk] }))
}

function redirect(path: string, response: Response): void {
  if (path === '/good') response.writeHead(200).end(JSON.stringify({ keys: [first.jwk] }))
  else response.writeHead(302, { location: '/good' }).end()
}

function endless(response: Response, chunk: Buffer): void {
  response.writeHead(200)
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', more)
  more()
}

function drip(response: Response): void {
  response.writeHead(200)
  const drops = setInterval(() => response.write(' '), 100)
  response.on('close', () => clearInterval(drops))
}
