import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { namedPorts } from '../../../demo/clinic.ts'
import { parties, portsOf, readConfiguration, relocate } from '../../../demo/configuration.ts'
import { currentCode } from '../../../demo/web/otp.ts'
import { welcome } from '../../../demo/welcome.ts'

const demo = fileURLToPath(new URL('../../../config/demo.yaml', import.meta.url))

describe('the configuration of the sample clinic', () => {
  test('names the ports 9000 to 9004', async () => {
    expect(portsOf(await readConfiguration(demo))).toEqual({ keyward: 9000, fhir: 9001, app: 9002, ehr: 9003, home: 9004 })
  })

  test('moves every address along with its port, and only those', async () => {
    // The app takes the port that Keyward had: all are replaced at once, not one after the other.
    const ports = { keyward: 19_000, fhir: 19_001, app: 9000, ehr: 9002, home: 19_004 }
    const moved = relocate(await readConfiguration(demo), ports, 'sqlite:/somewhere/keyward.db')
    expect(moved).toMatchObject({
      issuer: 'http://localhost:19000',
      listen: { host: '127.0.0.1', port: 19_000 },
      store: 'sqlite:/somewhere/keyward.db',
      fhirServers: [{ baseUrl: 'http://localhost:19001/fhir' }]
    })
    expect(moved.clients.find(({ client_id }) => client_id === 'heart-app')).toMatchObject({
      client_uri: 'http://localhost:9000',
      redirect_uris: ['http://localhost:9000/app'],
      launch_url: 'http://localhost:9000/launch'
    })
    expect({ ...portsOf(moved), home: ports.home }).toEqual(ports)
    expect(moved.accounts).toEqual((await readConfiguration(demo)).accounts)
  })

  test('tells the parties by what they may do', async () => {
    const { fhir, ehr, app } = parties(await readConfiguration(demo))
    expect([fhir.clientId, ehr.clientId, app.clientId]).toEqual(['clinic-fhir', 'clinic-ehr', 'heart-app'])
  })

  test('that is not there is refused with a sentence that names the file', async () => {
    await expect(readConfiguration('/nowhere/clinic.yaml')).rejects.toThrow("/nowhere/clinic.yaml can't be used")
  })
})

test('a code is the one of RFC 6238 for that moment, and says how long it lasts', async () => {
  // RFC 6238 appendix B, SHA-1, at 1111111109 s: 07081804, of which six digits are left.
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
  expect(await currentCode(secret, 1_111_111_109_000)).toEqual({ code: '081804', remaining: 1 })
})

test.each([
  ['too few', [9000, 9001], undefined],
  ['no number', [9000, 9001, 9002, 9003, Number.NaN], undefined],
  ['five', [1, 2, 3, 4, 5], { keyward: 1, fhir: 2, app: 3, ehr: 4, home: 5 }]
])('--ports with %s', (_case, list, ports) => {
  expect(namedPorts(list)).toEqual(ports)
})

test('the terminal tells addresses, accounts with their keys, and what to try', () => {
  const addresses = {
    keyward: 'http://k',
    fhir: 'http://f',
    smartConfiguration: 'http://s',
    app: 'http://a',
    ehr: 'http://e',
    home: 'http://h'
  }
  const maria = { username: 'maria', password: 'secret words', totp: 'KEYKEY', name: 'Maria Diaz', describes: 'Patient' }
  const john = { username: 'john', password: 'secret words', name: 'John Smith', describes: 'Patient' }
  const told = welcome({ addresses, accounts: [maria, john], logFile: 'keyward.log' })
  expect(told).toContain('each with the password: secret words')
  expect(told).toMatch(/maria +KEYKEY +Maria Diaz/)
  expect(told).toMatch(/john +\(set up at the first sign-in\) +John Smith/)
  expect(told).toMatch(/1\. .*\n *2\. .*\n *3\. /)
})
