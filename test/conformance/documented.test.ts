/** What has to stand in the documentation. That what stands there is so, other tests show. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const pageOf = (name: string) => readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8')
/** From its heading to the next one of its level. */
function sectionOf(name: string, heading: string): string {
  const [, section = ''] = pageOf(name).split(`\n## ${heading}\n`)
  return section.split('\n## ')[0]?.replace(/\s+/g, ' ') ?? ''
}
const developers = (heading: string) => sectionOf('app-developers.md', heading)

test('SM-068: developers are reminded to renew keys that they registered in place', () => {
  expect(developers('Registration')).toMatch(/Keys that you register in `jwks` only you can change: remember to renew them/)
})

test('SM-169: developers are told which roles there are in fhirContext, and where an app may ask for one', () => {
  const text = developers('Scopes, and what comes back')
  expect(text).toMatch(/`role` is what the EHR says, `launch` where it says none/)
  expect(text).toContain('no roles of its own')
  expect(developers('Launch')).toMatch(/`\?role=`, an absolute URI/)
})

test('SM-301: registration, discovery, launches, scopes with their categories, refresh, keys and errors have a section each', () => {
  const said: [heading: string, words: RegExp][] = [
    ['Registration', /`registration_endpoint`/],
    ['Discovery', /\/\.well-known\/smart-configuration/],
    ['Launch', /`aud`, the FHIR base URL/],
    ['Scopes, and what comes back', /category=http:\/\/terminology\.hl7\.org\/CodeSystem\/condition-category\|problem-list-item/],
    ['Refresh', /new refresh token/],
    ['Signing in with a key', /`RS384` or `ES384`/],
    ['Backend services', /`system\//],
    ['Errors', /invalid_/]
  ]
  for (const [heading, words] of said)
    expect({ heading, text: developers(heading) }).toMatchObject({ text: expect.stringMatching(words) })
})

test('SM-303: operators are told how TLS is enforced', () => {
  const text = sectionOf('operators.md', 'TLS, and a proxy in front')
  expect(text).toContain('listen.tls')
  expect(text).toMatch(/TLS 1\.2/)
})
