/** Each scope that discovery lists is given to an app that is registered for it: SMART App Launch 2.2, scopes_supported. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SCOPES_SUPPORTED } from '../../src/smart/discovery.ts'
import { newClientKey, newService, serviceConfig } from '../harness/backend-client.ts'
import { mint } from '../harness/ehr.ts'
import { type Keyward, startKeyward } from '../harness/keyward.ts'
import { newVisit, SECOND_APP, withoutSecondFactor } from '../harness/visit.ts'

const key = newClientKey('ES384')
const RESOURCES = /^(patient|user|system)\/(\*|[A-Z]\w+)\.([cruds]+)$/

let keyward: Keyward
beforeAll(async () => {
  keyward = await startKeyward({
    change: (config) => {
      const clients = config.clients.map((client) =>
        client.client_id === SECOND_APP.clientId ? { ...client, smart_scope: SCOPES_SUPPORTED.join(' ') } : client
      )
      const service = serviceConfig('bulk', key, { smart_scope: SCOPES_SUPPORTED.join(' ') })
      return withoutSecondFactor({ ...config, clients: [...clients, service] })
    }
  })
})
afterAll(() => keyward?.stop())

async function grantedOf(scope: string): Promise<string[]> {
  if (scope.startsWith('system/')) {
    const { body } = await newService(keyward.issuer, 'bulk', key).token({ scope })
    return String(body.scope).split(' ')
  }
  const beside = scope === 'openid' ? 'launch' : 'openid launch'
  const context = {
    client_id: SECOND_APP.clientId,
    fhirServer: 'clinic',
    user: 'Practitioner/lee',
    patient: 'leo',
    encounter: 'v1'
  }
  const params = { scope: `${beside} ${scope}`, prompt: 'consent', launch: await mint(keyward.issuer, context) }
  const { response } = await newVisit(keyward, SECOND_APP).tokens(params, { username: 'dr.lee', tick: () => true })
  return response.body.scope?.split(' ') ?? []
}

test('SM-022: the list is what discovery says', async () => {
  const document = await fetch(`${keyward.issuer}/fhir/clinic/.well-known/smart-configuration`)
  expect(JSON.parse(await document.text()).scopes_supported).toEqual(SCOPES_SUPPORTED)
})

test.each(SCOPES_SUPPORTED)('SM-022: %s is granted where it is registered', async (scope) => {
  const granted = await grantedOf(scope)
  const [, context, type, letters] = RESOURCES.exec(scope) ?? []
  if (letters === undefined) return expect(granted).toContain(scope)
  // Reading, changing and deleting may come back as a scope each; together they are what was asked for.
  const parts = granted.map((one) => RESOURCES.exec(one)).filter((one) => one?.[1] === context && one?.[2] === type)
  const together = parts.flatMap((one) => [...(one?.[3] ?? '')])
  expect([...new Set(together)].sort()).toEqual([...letters].sort())
})
