/** The consent page in its states: made by src/consent from scopes that apps really ask for. */
import type { Account } from '../../src/accounts/accounts.ts'
import type { ClientConfig } from '../../src/config/config.ts'
import { openDecision } from '../../src/consent/decision.ts'
import { readKinds } from '../../src/consent/kinds.ts'
import { consentPage, startTicks } from '../../src/consent/page.ts'
import type { AppFacts } from '../../src/interaction/step.ts'
import type { Authorization, PatientContext } from '../../src/smart/authorization.ts'
import type { TemplateState } from './template-states.ts'

interface Options {
  heart: AppFacts
  unknown: AppFacts
  viewsDir: string
  language: string
}

const NOW = Date.UTC(2027, 4, 3)
const TELLS = ['openid', 'fhirUser', 'launch/patient', 'online_access']
const NAMED_TYPES = ['AllergyIntolerance', 'MedicationRequest', 'Immunization', 'Patient', 'Procedure', 'Device', 'Basic'].map(
  (type) => `patient/${type}.rs`
)

const CLIENT: ClientConfig = {
  client_id: 'heart-app',
  client_name: 'Heart App',
  client_uri: 'https://heart.example.org',
  policy_uri: 'https://heart.example.org/privacy',
  tos_uri: 'https://heart.example.org/terms',
  contacts: ['help@heart.example.org'],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: ['https://heart.example.org/app'],
  response_types: ['code'],
  verified: true,
  smart_scope: '',
  scope_reasons: {
    'patient/*.rs': 'To show your heart health in one place.',
    'patient/AllergyIntolerance.rs': 'To warn you of medicines that are not for you.',
    'patient/Observation.rs': 'To draw a line of your blood pressure.',
    'patient/Condition.rs': 'To know what to look out for.',
    'patient/Device.rs': 'To know your <pacemaker>.',
    fhirUser: 'To greet you by your name.',
    offline_access: 'To tell you when new tests are there.'
  },
  privacy_answers: { shares: 'if-you-agree', sells: 'no', advertises: 'no', keeps: 'while-in-use', deletes: 'yes' },
  approved_for_clinicians: false,
  fhir_servers: [],
  launch_contexts: [],
  disabled: false
}
const { policy_uri: _policy, tos_uri: _terms, contacts: _contacts, scope_reasons: _reasons, ...UNEXPLAINED } = CLIENT
const { privacy_answers: _answers, ...BARE_CLIENT } = UNEXPLAINED

const MARIA: Account = {
  sub: 'sub-of-maria',
  username: 'maria',
  name: 'Maria Diaz',
  role: 'patient',
  passwordHash: '',
  people: [],
  disabled: false,
  createdAt: NOW
}
const DR_LEE: Account = { ...MARIA, sub: 'sub-of-lee', username: 'dr.lee', name: 'Dr Ana Lee', role: 'clinician' }

const SELF: PatientContext = { state: 'settled', id: 'maria', person: { id: 'maria', name: 'Maria Diaz', relationship: 'self' } }
const CHILD: PatientContext = {
  state: 'settled',
  id: 'leo',
  person: { id: 'leo', name: 'Leo Diaz', relationship: 'child', birthDate: '2017-09-02' }
}
const MOTHER: PatientContext = { state: 'settled', id: 'eva', person: { id: 'eva', name: 'Eva Diaz', relationship: 'parent' } }
const WARD: PatientContext = {
  state: 'settled',
  id: 'sam',
  person: { id: 'sam', name: 'Sam Poe', relationship: 'guardian of the court', birthDate: '2026-01-02' }
}

export function consentStates({ heart, unknown, viewsDir, language }: Options): TemplateState[] {
  const kinds = readKinds(viewsDir)
  const page = (
    name: string,
    about: Partial<Authorization>,
    { app = heart, categories = ['Condition', 'Observation'], policy = 'requested', problem = null }: Variant = {}
  ): TemplateState => {
    const whole: Authorization = {
      client: app === heart ? CLIENT : BARE_CLIENT,
      account: MARIA,
      fhirServer: { id: 'clinic', baseUrl: 'https://fhir.example.org', enforces: { categories }, introspectedBy: [] },
      scopes: [...TELLS, 'offline_access', 'patient/*.rs'],
      patient: SELF,
      records: { toPick: [], picked: [] },
      ...about
    }
    const decision = openDecision(whole, kinds)
    const started = startTicks(decision, { consent: undefined, policy, role: whole.account.role })
    const ticks = problem === 'nothing-on' ? { scopes: new Set<string>() } : started
    const members = consentPage({
      about: whole,
      brand: whole.account.role === 'patient' ? 'Riverside Hospital' : undefined,
      decision,
      ticks,
      app,
      kinds,
      accountUrl: 'https://login.example.org/account',
      problem,
      lang: language,
      now: NOW
    })
    return { template: 'consent', name, members }
  }

  return [
    page('everything', {}),
    page('everything, for a child', { patient: CHILD }),
    page('everything, nothing on', { patient: MOTHER }, { policy: 'none' }),
    page('for somebody else', { patient: WARD, scopes: [...TELLS, ...NAMED_TYPES] }, { app: unknown }),
    page('some types, some answers', {
      client: { ...UNEXPLAINED, privacy_answers: { shares: 'yes', keeps: 'longer' } },
      scopes: ['patient/Condition.rs', 'patient/Observation.rs', 'patient/Immunization.rs']
    }),
    page('some types', { scopes: ['openid', 'offline_access', ...NAMED_TYPES] }),
    page('two types by category', { scopes: ['patient/Condition.rs', 'patient/Observation.rs'] }),
    page('one category', {
      scopes: ['patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory']
    }),
    page('whole types where no category is enforced', { scopes: ['patient/*.rs'] }, { categories: [] }),
    page('see, change and delete', {
      patient: CHILD,
      scopes: [...TELLS, 'patient/Condition.cruds', 'patient/Observation.cruds', 'patient/Device.c']
    }),
    page('own, change', { scopes: ['patient/QuestionnaireResponse.cruds', 'patient/Observation.write'] }),
    page('every record of a patient', { patient: { state: 'none' }, scopes: ['openid', 'user/*.rs', 'user/Patient.rs'] }),
    page('nothing ticked', {}, { problem: 'nothing-on' }),
    page('who you are', { patient: { state: 'none' }, scopes: ['openid', 'fhirUser'] }),
    page('clinician, one record', {
      account: DR_LEE,
      patient: CHILD,
      scopes: [...TELLS, 'offline_access', 'patient/*.rs', 'user/*.rs']
    }),
    page('clinician, only one record', { account: DR_LEE, patient: CHILD, scopes: ['launch', 'patient/*.rs'] }),
    page('clinician, open record', {
      account: DR_LEE,
      patient: { state: 'settled', id: 'x' },
      scopes: ['launch', 'patient/*.cruds']
    }),
    page('clinician, all records', {
      account: DR_LEE,
      patient: { state: 'none' },
      scopes: ['openid', 'fhirUser', 'user/Patient.rs', 'user/Observation.cruds', 'user/MedicationRequest.rs']
    })
  ]
}

interface Variant {
  app?: AppFacts
  categories?: string[]
  policy?: 'requested' | 'none'
  problem?: 'nothing-on' | null
}
