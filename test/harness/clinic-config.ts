/** The sample clinic's configuration for tests: as the issue of the format shows it, on another port, with more apps and people. */
import { newClientKey } from './backend-client.ts'
import { noteSecret } from './run-folder.ts'

export const PASSWORD = 'correct horse battery staple'
export const TOTP = { maria: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', 'dr.lee': 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ' } as const
export const FHIR_BASE = 'http://localhost:9001/fhir'
export const APP_REDIRECT = 'http://localhost:9002/app'
/** The EHR has no secret. */
export const EHR_KEY = newClientKey('ES384', 'clinic-ehr-key')
export const SECRETS = {
  'clinic-fhir': 'fhir-secret-fhir-secret-fhir-secret',
  'other-fhir': 'other-secret-other-secret-other-secret',
  'lab-app': 'lab+secret/with:signs-lab+secret/with:signs'
} as const

noteSecret('password', PASSWORD)
for (const secret of Object.values(TOTP)) noteSecret('TOTP key', secret)
for (const secret of Object.values(SECRETS)) noteSecret('client secret', secret)

const SMART_SCOPE =
  'openid fhirUser profile offline_access online_access launch launch/patient launch/encounter patient/*.cruds user/*.cruds'

export function clinicYaml({
  port,
  store = 'sqlite::memory:',
  host = 'localhost'
}: {
  port: number
  store?: string
  host?: string
}): string {
  return `
demo: true
issuer: http://${host}:${port}
listen: { host: 127.0.0.1, port: ${port}, trustedProxies: [], tls: null, drainDelay: 0s }
store: "${store}"
organization: { name: Sample Clinic, supportPhone: "+1 555 0100", accentColor: "#0b6e6e" }
secondFactor: { patients: required, clinicians: required }
consent: { startTicked: requested }
lifetimes: { authorizationCode: 60s, accessToken: 15m, backendAccessToken: 5m, refreshToken: 93d, session: 12h, idle: 30m }
limits: { signInsPerAddress: 10000, authorizationsPerAddress: 1000000, refusalsPerAddress: 1000000, refusalsPerClient: 1000000 }
fhirServers:
  - { id: clinic, baseUrl: "${FHIR_BASE}", enforces: { categories: [Condition, Observation] }, introspectedBy: [clinic-fhir] }
  - { id: other, baseUrl: "http://localhost:9011/fhir", enforces: { categories: [] }, introspectedBy: [other-fhir] }
clients:
  - { client_id: clinic-fhir, client_name: Clinic FHIR server, token_endpoint_auth_method: client_secret_basic, client_secret: ${SECRETS['clinic-fhir']}, grant_types: [], redirect_uris: [], response_types: [] }
  - { client_id: other-fhir, client_name: Other FHIR server, token_endpoint_auth_method: client_secret_basic, client_secret: ${SECRETS['other-fhir']}, grant_types: [], redirect_uris: [], response_types: [] }
  - { client_id: clinic-ehr, client_name: Clinic EHR, token_endpoint_auth_method: private_key_jwt, jwks: { keys: [${JSON.stringify(EHR_KEY.jwk)}] }, grant_types: [client_credentials], smart_scope: __launch_context, launch_contexts: [clinic] }
  - { client_id: heart-app, client_name: Heart App, client_uri: "http://localhost:9002", token_endpoint_auth_method: none, grant_types: [authorization_code, refresh_token], redirect_uris: ["${APP_REDIRECT}"], launch_url: "http://localhost:9002/launch", verified: true, smart_scope: "${SMART_SCOPE}" }
  - { client_id: second-app, client_name: Second App, token_endpoint_auth_method: none, grant_types: [authorization_code, refresh_token], redirect_uris: ["http://localhost:9005/cb", "http://localhost:9005/cb2"], smart_scope: "${SMART_SCOPE}" }
  - { client_id: small-app, client_name: Small App, token_endpoint_auth_method: none, grant_types: [authorization_code], redirect_uris: ["http://127.0.0.1/cb"], application_type: native, smart_scope: "openid fhirUser launch/patient patient/Observation.rs patient/Patient.r" }
  - { client_id: lab-app, client_name: Lab App, token_endpoint_auth_method: client_secret_basic, client_secret: "${SECRETS['lab-app']}", grant_types: [authorization_code, refresh_token], redirect_uris: ["https://lab.example/cb"], smart_scope: "${SMART_SCOPE}" }
accounts:
  - { username: maria, password: ${PASSWORD}, totp: ${TOTP.maria}, name: Maria Diaz, role: patient,
      people: [{ fhirServer: clinic, fhirUser: Patient/maria, patients: [
        { id: maria, relationship: self, name: Maria Diaz, birthDate: "1984-03-12" }, { id: leo, relationship: child, name: Leo Diaz, birthDate: "2017-06-03" }] }] }
  - { username: john, password: ${PASSWORD}, name: John Smith, role: patient,
      people: [{ fhirServer: clinic, fhirUser: Patient/john, patients: [{ id: john, relationship: self, name: John Smith }] }] }
  - { username: nobody, password: ${PASSWORD}, totp: ${TOTP.maria}, name: No Body, role: patient, people: [] }
  - { username: dr.lee, password: ${PASSWORD}, totp: ${TOTP['dr.lee']}, name: Dr Ana Lee, role: clinician, people: [{ fhirServer: clinic, fhirUser: Practitioner/lee }] }
`
}
