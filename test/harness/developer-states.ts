/** The developer's pages in their states: made by src/developer from apps as they are stored. */
import type { StoredClient } from '../../src/clients/stored-clients.ts'
import { PRIVACY_ANSWERS } from '../../src/config/app-words.ts'
import { emptyForm, formOf, withMoreRows } from '../../src/developer/app-form.ts'
import { viewOfApp } from '../../src/developer/app-view.ts'
import { newlyRegistered } from '../../src/developer/changes.ts'
import { readMetadata } from '../../src/developer/metadata.ts'
import { approved, DECLINE_GROUNDS, declined, newRequest, verified } from '../../src/developer/production.ts'
import type { TemplateState } from './template-states.ts'

const NOW = Date.UTC(2027, 4, 3)
const SAID = {
  client_name: 'Sleep <Diary>',
  client_uri: 'https://sleep.example.org',
  policy_uri: 'https://sleep.example.org/privacy',
  contacts: ['help@sleep.example.org'],
  redirect_uris: [
    'https://sleep.example.org/cb',
    'https://a-rather-long-name.of-a-host.example.com:9002/and/a/long/path/to/go/back/to'
  ],
  launch_urls: ['https://sleep.example.org/launch'],
  scope: 'openid fhirUser launch/patient offline_access patient/Observation.rs',
  scope_reasons: { 'patient/Observation.rs': 'Shows how you slept.' },
  privacy_answers: { shares: 'no', keeps: 'while-in-use' }
}

export function developerStates(language: string): TemplateState[] {
  const place = {
    issuer: 'https://login.example.org',
    fhirServers: [server('clinic', false), server('test', true)],
    now: () => NOW
  }
  const view = (stored: StoredClient | undefined) => {
    if (!stored) throw new Error('a request that can not be answered')
    return viewOfApp(stored, place, language)
  }
  const shared = { app: null, signedInAs: 'Devi Rao' }
  const sandboxed = stored()
  const asked = { ...sandboxed, production: newRequest(NOW) }
  const open = approved(asked, NOW)
  const page = (name: string, of: StoredClient | undefined, secret: string | null = null): TemplateState => ({
    template: 'developer-app',
    name,
    members: { ...shared, ...view(of), secret }
  })
  const form = (name: string, members: object): TemplateState => ({
    template: 'developer-form',
    name,
    members: {
      ...shared,
      ...withMoreRows(emptyForm()),
      ...{ clientId: null, name: null, once: 'once-once-once-once-on', problem: null, questions: PRIVACY_ANSWERS },
      ...members
    }
  })
  const edited = { ...withMoreRows(formOf(sandboxed)), clientId: sandboxed.client.client_id, name: 'Sleep <Diary>' }
  return [
    { template: 'developer-none', name: 'not a developer', members: shared },
    { template: 'developer', name: 'no apps', members: { ...shared, apps: [] } },
    { template: 'developer', name: 'apps', members: { ...shared, apps: [view(sandboxed), view(asked), view(open)] } },
    page('on test records', sandboxed),
    page('with a new secret', sandboxed, 'x7Dk2mQe9Vb4Lr8Tz1Wc5Ny3Hs6Jg0PaFuIoKiXwEvM'),
    page('after a rotation', { ...sandboxed, secrets: [{ hash: 'a' }, { hash: 'b', until: NOW + 3_600_000 }] }),
    page('public', { ...sandboxed, client: { ...sandboxed.client, token_endpoint_auth_method: 'none' } }),
    page('asked', asked),
    page('verified', verified(asked, NOW)),
    page('open', open),
    ...DECLINE_GROUNDS.map((ground) =>
      page(`declined, ${ground}`, declined(asked, { ground, reason: 'Nobody at sleep.example.org knows this app.' }, NOW))
    ),
    page('stopped', { ...sandboxed, client: { ...sandboxed.client, disabled: true } }),
    form('new', {}),
    form('wrong', { problem: { field: 'redirects', text: 'redirect_uris must be https' }, ...edited, clientId: null }),
    ...['most', 'quota'].map((field) => form(field, { problem: { field, text: null } })),
    form('change', edited)
  ]
}

function server(id: string, sandbox: boolean) {
  return { id, baseUrl: `https://fhir.example.org/${id}`, sandbox }
}

function stored(): StoredClient {
  const metadata = readMetadata(SAID, { clientId: 'app-AAAAAAAAAAAAAAAAAAAAAA', allowedHosts: [] })
  if ('error' in metadata) throw new Error(metadata.description)
  return newlyRegistered(metadata, 'hash', NOW)
}
