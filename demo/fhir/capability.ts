/**
 * The CapabilityStatement of this server, made from what it really holds and filters by.
 *
 * FHIR R4, "CapabilityStatement"; SMART App Launch 2.2, "Conformance"
 */
import type { Records } from './resource.ts'
import { parametersOf } from './search-parameters.ts'

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'
const SECURITY_SERVICE = 'http://terminology.hl7.org/CodeSystem/restful-security-service'

export function capabilityStatement(
  records: Records,
  { name, baseUrl, issuer }: { name: string; baseUrl: string; issuer: string }
) {
  const endpoints = { authorize: '/authorize', token: '/token', introspect: '/introspect', revoke: '/revoke' }
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2026-01-15',
    kind: 'instance',
    software: { name: 'Keyward sample clinic' },
    implementation: { description: `The FHIR server of ${name}: synthetic patients, read and search`, url: baseUrl },
    fhirVersion: '4.0.1',
    format: ['json'],
    rest: [
      {
        mode: 'server',
        security: {
          cors: true,
          service: [{ coding: [{ system: SECURITY_SERVICE, code: 'SMART-on-FHIR' }], text: 'OAuth2 using SMART on FHIR' }],
          extension: [
            {
              url: OAUTH_URIS,
              extension: Object.entries(endpoints).map(([url, path]) => ({ url, valueUri: issuer + path }))
            }
          ]
        },
        resource: records.types.map((type) => ({
          type,
          interaction: [{ code: 'read' }, { code: 'search-type' }],
          versioning: 'no-version',
          searchParam: Object.entries(parametersOf(type)).map(([name, parameter]) => ({ name, type: parameter.type }))
        }))
      }
    ]
  }
}
