/**
 * The one way out: where it leads, and where it never does. What servers can do to it is in
 * clients/remote-keys.test.ts, hosts that are not there in outbound-outages.test.ts.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { Duplex } from 'node:stream'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isPublicAddress } from '../../../src/web/addresses.ts'
import { createOutbound } from '../../../src/web/outbound.ts'
import { newCertificate } from '../../harness/certificate.ts'
import { freePort } from '../../harness/free-port.ts'
import { startJwksServer } from '../../harness/jwks-server.ts'
import { startNameServer } from '../../harness/name-server.ts'

const { cert, key } = newCertificate()
const authorities = getCACertificates()
let server: Server
let connections: Duplex[]
let port: number

beforeAll(() => setDefaultCACertificates([...authorities, cert]))
afterAll(() => setDefaultCACertificates(authorities))
beforeEach(async () => {
  connections = []
  server = createServer({ cert, key }, (_request, response) => void response.end('{"keys":[]}'))
  server.on('connection', (socket) => connections.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  port = address.port
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

const get = (url: string, deps: Partial<Parameters<typeof createOutbound>[0]> = {}) =>
  createOutbound({ now: Date.now, ...deps }).get(url, 'application/json')

describe('case 82, SM-140: addresses', () => {
  test.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.8',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:0:8.8.8.8',
    '64:ff9b::7f00:1',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::1',
    '3fff::1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '2606:4700::1%eth0',
    'localhost',
    ''
  ])('%j is not of the public internet', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  test.each([
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.1.1',
    '223.255.255.255'
  ])('%s is', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })
  test.each(['2001:4860:4860::8888', '2606:4700::1111', '2a00:1450::1'])('%s is', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })
})

describe('case 82, SM-140: what is never asked', () => {
  test.each([
    'http://localhost:PORT/',
    'http://127.0.0.1:PORT/',
    'ftp://localhost:PORT/',
    'file:///etc/passwd',
    'data:application/json,{}',
    'https://user@localhost:PORT/',
    'https://:word@localhost:PORT/',
    'no url',
    ''
  ])('%s', async (url) => {
    expect(await get(url.replace('PORT', String(port)))).toEqual({ ok: false, failure: 'url-not-allowed' })
    expect(connections).toEqual([])
  })

  test.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '0.0.0.0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '１２７.0.0.1',
    '127。0。0。1'
  ])('https at %s', async (host) => {
    expect(await get(`https://${host}:${port}/`)).toEqual({ ok: false, failure: 'address-not-allowed' })
    expect(connections).toEqual([])
  })

  test.each<[string, string[]]>([
    ['this machine', ['127.0.0.1']],
    ['a private network', ['10.0.0.1']],
    ['the metadata of a cloud', ['169.254.169.254']],
    ['a public address and this machine', ['1.1.1.1', '127.0.0.1']],
    ['this machine and a public address', ['127.0.0.1', '1.1.1.1']]
  ])('a name that leads to %s', async (_where, addresses) => {
    const names = await startNameServer(() => addresses)
    const answer = await get(`https://keys.example:${port}/`, { nameServers: [names.address] })
    expect(answer).toEqual({ ok: false, failure: 'address-not-allowed' })
    expect(connections).toEqual([])
    await names.stop()
  })

  test('an open port and a closed one are answered alike, and neither is tried', async () => {
    const closed = await freePort()
    const names = await startNameServer(() => ['127.0.0.1'])
    for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]', 'keys.example'])
      for (const at of [port, closed])
        expect(await get(`https://${host}:${at}/`, { nameServers: [names.address] })).toEqual({
          ok: false,
          failure: 'address-not-allowed'
        })
    expect(connections).toEqual([])
    await names.stop()
  })
})

describe('what is asked', () => {
  const isHere = (address: string) => address === '127.0.0.1'

  test('case 84: the address that was looked at is the one connected to, whatever the name says later', async () => {
    const given = [['127.0.0.1'], ['127.0.0.9'], ['127.0.0.9']]
    const names = await startNameServer(() => given.shift() ?? ['127.0.0.9'])
    const outbound = createOutbound({ now: Date.now, nameServers: [names.address], isAllowed: isHere })
    const answer = await outbound.get(`https://localhost:${port}/`, 'application/json')
    expect(answer).toMatchObject({ ok: true, body: Buffer.from('{"keys":[]}') })
    // One question for each family, and none at the time of connecting.
    expect(names.asked()).toBe(2)
    // The next time it is looked at anew, and what it says by then is refused.
    const later = await outbound.get(`https://localhost:${port}/`, 'application/json')
    expect(later).toEqual({ ok: false, failure: 'address-not-allowed' })
    expect(connections).toHaveLength(1)
    await names.stop()
  })

  test.each([301, 302, 303, 307, 308])(
    'case 83: %d is not followed, to an internal address or from https to http',
    async (status) => {
      const names = await startNameServer(() => ['127.0.0.1'])
      const internal = await startJwksServer()
      internal.publish([])
      const led = { location: '' }
      server
        .removeAllListeners('request')
        .on('request', (_request, response) => response.writeHead(status, led).end('{"keys":[]}'))
      const outbound = createOutbound({
        now: Date.now,
        nameServers: [names.address],
        isAllowed: isHere,
        allowedHosts: [internal.host]
      })
      for (const location of [
        internal.uri,
        `https://localhost:${port}/`,
        `http://localhost:${port}/`,
        '//169.254.169.254/',
        '/elsewhere'
      ]) {
        led.location = location
        const answer = await outbound.get(`https://localhost:${port}/keys`, 'application/json')
        expect(answer).toMatchObject({ ok: false, failure: 'status' })
      }
      expect(internal.requests).toEqual([])
      expect(connections).toHaveLength(5)
      await Promise.all([names.stop(), internal.stop()])
    }
  )

  test('case 84: a name in the resolver of the system is not believed where DNS says otherwise', async () => {
    const names = await startNameServer(() => ['127.0.0.77'])
    const elsewhere = (address: string) => address === '127.0.0.77'
    const answer = await get(`https://localhost:${port}/`, { nameServers: [names.address], isAllowed: elsewhere })
    expect(answer.ok).toBe(false)
    expect(connections).toEqual([])
    await names.stop()
  })

  test('a certificate that nobody vouches for, or of another name, is refused', async () => {
    const names = await startNameServer(() => ['127.0.0.1'])
    const deps = { nameServers: [names.address], isAllowed: isHere }
    expect(await get(`https://keys.example:${port}/`, deps)).toEqual({ ok: false, failure: 'unreachable' })
    setDefaultCACertificates(authorities)
    expect(await get(`https://localhost:${port}/`, deps)).toEqual({ ok: false, failure: 'unreachable' })
    setDefaultCACertificates([...authorities, cert])
    expect(await get(`https://localhost:${port}/`, deps)).toMatchObject({ ok: true })
    await names.stop()
  })

  test('a host of the development list is asked over http too, and only at the port that is listed', async () => {
    const development = await startJwksServer()
    development.publish([])
    const other = await startJwksServer()
    other.publish([])
    const deps = { allowedHosts: [development.host] }
    expect(await get(development.uri, deps)).toMatchObject({ ok: true })
    expect(await get(other.uri, deps)).toEqual({ ok: false, failure: 'url-not-allowed' })
    expect(other.requests).toEqual([])
    await Promise.all([development.stop(), other.stop()])
  })
})
