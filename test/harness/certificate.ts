/**
 * A self-signed certificate for 127.0.0.1, written byte by byte: Node makes keys and signatures, but no certificates, and
 * openssl is not on every machine. RFC 5280 §4.1, in DER (X.690).
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

const DAY = 24 * 60 * 60 * 1000

const der = (tag: number, ...contents: Uint8Array[]): Buffer => {
  const body = Buffer.concat(contents)
  const { length } = body
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Uint8Array.of(tag, ...size), body])
}
const sequence = (...contents: Uint8Array[]) => der(0x30, ...contents)
const identifier = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const ECDSA_WITH_SHA256 = sequence(identifier('2a8648ce3d040302'))
const COMMON_NAME = identifier('550403')
const BASIC_CONSTRAINTS = identifier('551d13')
const SUBJECT_ALT_NAME = identifier('551d11')
const TRUE = der(0x01, Uint8Array.of(0xff))
const LOOPBACK = Uint8Array.of(127, 0, 0, 1)

/** YYYYMMDDHHMMSSZ */
const time = (at: number) => der(0x18, Buffer.from(`${new Date(at).toISOString().replaceAll(/[-:T]|\..*/g, '')}Z`))

export function newCertificate(): { cert: string; key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from('Keyward test')))))
  const names = sequence(der(0x87, LOOPBACK), der(0x82, Buffer.from('localhost')))
  const extensions = sequence(
    sequence(BASIC_CONSTRAINTS, TRUE, der(0x04, sequence(TRUE))),
    sequence(SUBJECT_ALT_NAME, der(0x04, names))
  )
  const content = sequence(
    der(0xa0, der(0x02, Uint8Array.of(2))),
    der(0x02, Buffer.concat([Uint8Array.of(1), randomBytes(15)])),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(Date.now() - DAY), time(Date.now() + DAY)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions)
  )
  const certificate = sequence(content, ECDSA_WITH_SHA256, der(0x03, Uint8Array.of(0), sign('sha256', content, privateKey)))
  const lines = certificate.toString('base64').replaceAll(/.{64}/g, '$&\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  }
}
