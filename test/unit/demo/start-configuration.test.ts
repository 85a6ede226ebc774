import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { readConfiguration } from '../../../demo/configuration.ts'
import { parties } from '../../../demo/parties.ts'
import { namedPorts, portsOf, relocate } from '../../../demo/placement.ts'
import { currentCode } from '../../../demo/web/otp.ts'
import { welcome } from '../../../demo/welcome.ts'

const demo = fileURLToPath(new URL('../../../config/demo.yaml', import.meta.url))

describe('the configuration of the sample clinic', () => {
  test('names the ports 9000 to 9007', async () => {
    expect(portsOf(await readConfiguration(demo))).toEqual({
      ...{ keyward: 9000, fhir: 9001, app: 9002, ehr: 9003, home: 9004 },
      ...{ hospital: 9005, webApps: 9006, report: 9007 }
    })
  })

  test('moves every address along with its port, and only those', async () => {
    // The app takes the port that Keyward had: all are replaced at once, not one after the other.
    const ports = {
      ...{ keyward: 19_000, fhir: 19_001, app: 9000, ehr: 9002, home: 19_004 },
      ...{ hospital: 19_005, webApps: 19_006, report: 9003 }
    }
    const moved = relocate(await readConfiguration(demo), ports, 'sqlite:/somewhere/keyward.db')
    expect(moved).toMatchObject({
      issuer: 'http://localhost:19000',
      listen: { host: '127.0.0.1', port: 19_000 },
      store: 'sqlite:/somewhere/keyward.db',
      outbound: { allowedHosts: ['localhost:9002', 'localhost:19006', 'localhost:9003'] },
      fhirServers: [{ baseUrl: 'http://localhost:19001/fhir' }, { baseUrl: 'http://localhost:19005/fhir' }]
    })
    expect(moved.clients.find(({ client_id }) => client_id === 'clinic-ehr')).toMatchObject({
      frame_origins: ['http://localhost:9002', 'http://127.0.0.1:9002']
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
    const found = parties(await readConfiguration(demo))
    expect(Object.fromEntries(Object.entries(found).map(([name, { clientId }]) => [name, clientId]))).toEqual({
      fhir: 'clinic-fhir',
      hospital: 'riverside-fhir',
      ehr: 'clinic-ehr',
      app: 'heart-app',
      doctorsApp: 'heart-app-doctors',
      visits: 'my-visits',
      carePlan: 'my-care-plan',
      report: 'nightly-report'
    })
    expect([found.fhir.name, found.hospital.name]).toEqual(['Sample Clinic', 'Riverside Hospital'])
  })

  test('that lacks a party is refused with a sentence that says which', async () => {
    const { fhirServers, ...config } = await readConfiguration(demo)
    expect(() => parties({ ...config, fhirServers: fhirServers.slice(0, 1) })).toThrow(
      'lacks a party of the sample clinic: a FHIR server'
    )
    const clients = config.clients.filter(({ client_id }) => client_id !== 'nightly-report')
    expect(() => parties({ ...config, fhirServers, clients })).toThrow('a client with a jwks_uri')
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
  ['too many', [1, 2, 3, 4, 5, 6, 7, 8, 9], undefined],
  ['none left to follow', [1, 2, 3, 4, 65_534], undefined],
  [
    'five: the others follow',
    [1, 2, 3, 4, 50],
    { keyward: 1, fhir: 2, app: 3, ehr: 4, home: 50, hospital: 51, webApps: 52, report: 53 }
  ],
  ['seven', [1, 2, 3, 4, 5, 9, 7], { keyward: 1, fhir: 2, app: 3, ehr: 4, home: 5, hospital: 9, webApps: 7, report: 8 }],
  ['eight', [1, 2, 3, 4, 5, 8, 7, 6], { keyward: 1, fhir: 2, app: 3, ehr: 4, home: 5, hospital: 8, webApps: 7, report: 6 }]
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
    home: 'http://h',
    hospital: 'http://r',
    visits: 'http://v',
    carePlan: 'http://c',
    report: 'http://n'
  }
  const maria = { username: 'maria', password: 'secret words', totp: 'KEYKEY', name: 'Maria Diaz', describes: 'Patient' }
  const john = { username: 'john', password: 'secret words', name: 'John Smith', describes: 'Patient' }
  const told = welcome({ addresses, accounts: [maria, john], logFile: 'keyward.log' })
  expect(told).toContain('each with the password: secret words')
  expect(told).toMatch(/maria +KEYKEY +Maria Diaz/)
  expect(told).toMatch(/john +\(set up at the first sign-in\) +John Smith/)
  expect(told).toMatch(/1\. .*\n *2\. .*\n *3\. /)
  for (const address of Object.values({ ...addresses, smartConfiguration: addresses.home })) expect(told).toContain(address)
})
