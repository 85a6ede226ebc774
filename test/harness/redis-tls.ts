/** What a Redis needs that is spoken to over TLS, with a certificate on either side. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newCertificate } from './certificate.ts'

export interface TlsFiles {
  /** What redis-server has to be told, but for its port. It asks its clients for a certificate. */
  serverArguments: readonly string[]
  /** The options of an address. */
  options: string
  /** The same for a client that trusts the authorities of its system only. */
  optionsWithoutCa: string
  remove(): void
}

export function newTlsFiles(): TlsFiles {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-tls-'))
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const { cert, key } = newCertificate()
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key)
  const optionsWithoutCa = `cert=${certFile}&key=${keyFile}`
  return {
    serverArguments: [
      ...['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', certFile],
      ...['--tls-auth-clients', 'yes']
    ],
    options: `ca=${certFile}&${optionsWithoutCa}`,
    optionsWithoutCa,
    remove: () => rmSync(folder, { recursive: true, force: true })
  }
}
