/** Texts that are made to keep a pattern busy, where anybody with an invitation may send them. */
import { beforeAll, expect, test } from 'vitest'
import { readMetadata } from '../../../src/developer/metadata.ts'

const APP = { client_name: 'Sleep Diary', redirect_uris: ['https://sleep.example/cb'], token_endpoint_auth_method: 'none' }

// What runs for the first time is slow whatever it reads.
beforeAll(() => void readMetadata(APP, { clientId: 'app-AAAAAAAAAAAAAAAAAAAAAA', allowedHosts: [] }))

test.each([
  ['a scheme of many dots', { application_type: 'native', redirect_uris: [`${'a.'.repeat(990)}!:/x`] }],
  ['a scheme of many hyphens', { application_type: 'native', redirect_uris: [`a${'-.-'.repeat(600)}!:/x`] }],
  ['a host of many labels', { logo_uri: `https://${'a-'.repeat(900)}.example/` }],
  ['a host of many dots', { logo_uri: `https://${'.'.repeat(1900)}` }],
  ['scopes of many parts', { scope: `${'patient/*.rs?a=b&'.repeat(230)}"` }],
  ['scopes of many spaces', { scope: `${' '.repeat(3900)}"` }],
  ['a mail address of many parts', { contacts: [`${'a.'.repeat(900)}@${'a-'.repeat(50)}`] }],
  ['a name of many marks', { client_name: `${'e\u0301'.repeat(49)}\u202e` }]
])('case 139: %s is refused in less than 50 ms', (_what, changes) => {
  const began = performance.now()
  const read = readMetadata({ ...APP, ...changes }, { clientId: 'app-AAAAAAAAAAAAAAAAAAAAAA', allowedHosts: [] })
  expect(performance.now() - began).toBeLessThan(50)
  expect(read).toMatchObject({ description: expect.any(String) })
})
