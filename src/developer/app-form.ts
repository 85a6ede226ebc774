/** The form in which a developer describes an app: its fields, and the RFC 7591 members that they stand for. The rules for those are metadata.ts's. */
import type { Context } from 'koa'
import type { StoredClient } from '../clients/stored-clients.ts'
import { PRIVACY_QUESTIONS } from '../config/app-words.ts'
import { readFormLists } from '../web/form.ts'

const FIELDS = [
  'name',
  'website',
  'policy',
  'terms',
  'contacts',
  'type',
  'redirects',
  'launch',
  'kind',
  'jwksUri',
  'jwks',
  ...PRIVACY_QUESTIONS
] as const
type Field = (typeof FIELDS)[number]

export interface AppForm {
  values: Record<Field, string>
  /** Why the app asks for each of its scopes. */
  rows: { scope: string; reason: string }[]
}

/** What a button of the form asks for: `more` rows for scopes, or else to save it. */
export interface SentForm extends AppForm {
  button: string
  /** Of the form that was shown: sent twice, it is one app. */
  once: string
}

const MORE_ROWS = 3

/** A field of the form for each member that may be wrong. */
const FIELD_OF: Record<string, string> = {
  client_name: 'name',
  client_uri: 'website',
  policy_uri: 'policy',
  tos_uri: 'terms',
  contacts: 'contacts',
  application_type: 'type',
  redirect_uris: 'redirects',
  launch_url: 'launch',
  launch_urls: 'launch',
  token_endpoint_auth_method: 'kind',
  jwks_uri: 'jwksUri',
  jwks: 'jwks',
  scope: 'scopes',
  smart_scope: 'scopes',
  scope_reasons: 'scopes',
  privacy_answers: 'privacy'
}

export function fieldOf(member: string): string {
  return FIELD_OF[member] ?? 'name'
}

export async function readAppForm(ctx: Context): Promise<SentForm> {
  const { scope, reason, button, once, ...values } = await readFormLists(ctx, [...FIELDS, 'button', 'once'], ['scope', 'reason'])
  return { values, rows: scope.map((one, at) => ({ scope: one, reason: reason[at] ?? '' })), button, once }
}

export function emptyForm(): AppForm {
  return {
    values: {
      ...{ name: '', website: '', policy: '', terms: '', contacts: '', type: 'web', redirects: '', launch: '', kind: 'none' },
      ...{ jwksUri: '', jwks: '', shares: '', sells: '', advertises: '', keeps: '', deletes: '' }
    },
    rows: ['openid fhirUser', 'launch/patient', 'offline_access', 'patient/Patient.rs'].map((scope) => ({ scope, reason: '' }))
  }
}

/** The form of an app as it is registered. */
export function formOf({ client, launchUrls }: StoredClient): AppForm {
  const { scope_reasons: reasons = {}, privacy_answers: answers = {} } = client
  return {
    values: {
      name: client.client_name,
      website: client.client_uri ?? '',
      policy: client.policy_uri ?? '',
      terms: client.tos_uri ?? '',
      contacts: client.contacts?.join(' ') ?? '',
      type: client.application_type ?? 'web',
      redirects: client.redirect_uris.join('\n'),
      launch: launchUrls.join('\n'),
      kind: client.token_endpoint_auth_method,
      jwksUri: client.jwks_uri ?? '',
      jwks: client.jwks === undefined ? '' : JSON.stringify(client.jwks, null, 2),
      shares: answers.shares ?? '',
      sells: answers.sells ?? '',
      advertises: answers.advertises ?? '',
      keeps: answers.keeps ?? '',
      deletes: answers.deletes ?? ''
    },
    rows: wordsIn(client.smart_scope).map((scope) => ({
      scope,
      reason: Object.hasOwn(reasons, scope) ? (reasons[scope] ?? '') : ''
    }))
  }
}

/** As it is shown: with some empty rows at its end. */
export function withMoreRows({ values, rows }: AppForm): AppForm {
  const used = rows.filter(({ scope, reason }) => scope.trim() !== '' || reason.trim() !== '')
  return { values, rows: [...used, ...Array.from({ length: MORE_ROWS }, () => ({ scope: '', reason: '' }))] }
}

/** What RFC 7591 would have sent. A field that is left empty is a member that is left out. */
export function metadataOf({ values, rows }: AppForm): Record<string, unknown> {
  const scopes = [...new Set(rows.flatMap(({ scope }) => wordsIn(scope)))]
  const reasons = rows.flatMap(({ scope, reason }) =>
    reason.trim() === '' ? [] : wordsIn(scope).map((one): [string, string] => [one, reason.trim()])
  )
  const answers = PRIVACY_QUESTIONS.flatMap((question) =>
    values[question] === '' ? [] : [[question, values[question]] as const]
  )
  const lasts = scopes.includes('offline_access') || scopes.includes('online_access')
  const members: [string, unknown][] = [
    ['client_name', values.name.trim()],
    ['client_uri', values.website.trim()],
    ['policy_uri', values.policy.trim()],
    ['tos_uri', values.terms.trim()],
    ['contacts', wordsIn(values.contacts.replaceAll(',', ' '))],
    ['application_type', values.type],
    ['redirect_uris', wordsIn(values.redirects)],
    ['launch_urls', wordsIn(values.launch)],
    ['token_endpoint_auth_method', values.kind],
    ['jwks_uri', values.jwksUri.trim()],
    ['jwks', jsonIn(values.jwks)],
    ['grant_types', lasts ? ['authorization_code', 'refresh_token'] : ['authorization_code']],
    ['scope', scopes.join(' ')],
    ['scope_reasons', Object.fromEntries(reasons)],
    ['privacy_answers', Object.fromEntries(answers)]
  ]
  return Object.fromEntries(members.filter(([, value]) => !isEmpty(value)))
}

function isEmpty(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0
  return value === ''
}

function wordsIn(text: string): string[] {
  return text.split(/\s+/).filter(Boolean)
}

/** The text itself where it is no JSON: what is wrong with it is said by the rules. */
function jsonIn(text: string): unknown {
  try {
    return text.trim() === '' ? '' : JSON.parse(text)
  } catch {
    return text
  }
}
