/** TLS where Keyward itself answers https; behind a proxy it is the proxy's (docs/operators.md). */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type SecureVersion } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHttpServer } from '../../src/web/http-server.ts'
import { newCertificate } from '../harness/certificate.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyward-tls-'))
const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
const { cert, key } = newCertificate()
writeFileSync(files.certFile, cert)
writeFileSync(files.keyFile, key)
const server = createHttpServer((_request, response) => response.end('here'), files)

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(async () => {
  server.close()
  await once(server, 'close')
  rmSync(folder, { recursive: true })
})

/** The version on which both agree, or the code of the error. */
async function handshake(version: SecureVersion): Promise<string | null | undefined> {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it listens at no port')
  const { port } = address
  // At security level 0 OpenSSL itself offers the old ones: it is the server that refuses them.
  const socket = connect({
    host: '127.0.0.1',
    port,
    ca: cert,
    minVersion: version,
    maxVersion: version,
    ciphers: 'ALL:@SECLEVEL=0'
  })
  try {
    await once(socket, 'secureConnect')
    return socket.getProtocol()
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  } finally {
    socket.destroy()
  }
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'SM-001, SM-252, mistake 33: %s is spoken, with a certificate that is verified',
  async (version) => {
    expect(await handshake(version)).toBe(version)
  }
)

test.each(['TLSv1', 'TLSv1.1'] as const)('SM-001, SM-252: %s is refused by the server', async (version) => {
  expect(await handshake(version)).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
})
