/** What the consent page shows: the members of views/consent.eta, made from an open decision. */
import { ageInYears } from '../accounts/relationships.ts'
import type { ClientConfig, Role } from '../config/config.ts'
import type { AppFacts } from '../interaction/step.ts'
import type { Authorization } from '../smart/authorization.ts'
import { type PlacedReasons, placeReasons, privacyFacts, reasonFor } from './app-words.ts'
import type { Choice } from './choices.ts'
import type { Consent } from './consents.ts'
import type { OpenDecision } from './decision.ts'
import { DURATIONS, type Duration, endOf } from './duration.ts'
import type { KindOfData } from './kinds.ts'
import { noticesFor } from './notices.ts'

/** What is ticked, and picked, at the moment. */
export interface Ticks {
  scopes: ReadonlySet<string>
  duration?: Duration | undefined
}

interface PageInput {
  about: Authorization
  /** Whose records they are, where there are several brands. */
  brand: string | undefined
  decision: OpenDecision
  ticks: Ticks
  app: AppFacts | null
  kinds: readonly KindOfData[]
  accountUrl: string
  problem: 'nothing-on' | null
  lang: string
  now: number
}

export function consentPage(input: PageInput): Record<string, unknown> {
  const { about, brand, decision, ticks, app, accountUrl, problem, lang, now } = input
  const { account, client, patient } = about
  const date = new Intl.DateTimeFormat(lang, { dateStyle: 'long', timeZone: 'UTC' })
  const person = patient.state === 'settled' ? patient.person : undefined
  const reasons = placeReasons(client.scope_reasons, decision.choices)
  const on = decision.choices.filter((choice) => ticks.scopes.has(choice.scope)).length
  return {
    signedInAs: account.name,
    role: account.role,
    brand: brand ?? null,
    app: {
      ...app,
      facts: { policyUri: client.policy_uri, tosUri: client.tos_uri, contacts: client.contacts },
      privacy: privacyFacts(client.privacy_answers)
    },
    patient: person
      ? {
          name: person.name,
          relationship: person.relationship,
          isSelf: person.relationship === 'self',
          age: ageInYears(person.birthDate, now) ?? null
        }
      : null,
    reasons: reasons.ofPage.map(({ text, groups }) => ({ text, titleKeys: groups.map((id) => `groups.${id}`) })),
    groups: groupsOf(decision.choices, { ticks, kinds: input.kinds, reasons }),
    offline: decision.asksOffline
      ? {
          scope: 'offline_access',
          ticked: ticks.scopes.has('offline_access'),
          reason: reasonFor(client.scope_reasons, ['offline_access'])
        }
      : null,
    durations:
      decision.asksOffline && account.role === 'patient'
        ? DURATIONS.map((value) => {
            const end = endOf(value, now)
            return { value, date: end === undefined ? null : date.format(end), checked: ticks.duration === value }
          })
        : [],
    identity: identityFacts(decision.told, client.scope_reasons),
    count: { on, of: decision.choices.length },
    notices: account.role === 'patient' ? noticesFor(decision.choices, ticks.scopes) : [],
    problem,
    accountUrl
  }
}

/** Which boxes start ticked: as decided before, else as the operator's policy says. Sensitive kinds and changes never. */
export function startTicks(
  { choices, asksOffline }: OpenDecision,
  { consent, policy, role }: { consent: Consent | undefined; policy: 'requested' | 'none'; role: Role }
): Ticks {
  const starts = (choice: Choice): boolean =>
    policy === 'requested' && (role === 'clinician' || (!choice.sensitive && choice.verbs.every((verb) => verb === 'see')))
  const decided = (scope: string): boolean | undefined =>
    consent?.granted.includes(scope) ? true : consent?.refused.includes(scope) ? false : undefined
  const scopes = new Set(choices.filter((choice) => decided(choice.scope) ?? starts(choice)).map((choice) => choice.scope))
  if (asksOffline && (decided('offline_access') ?? policy === 'requested')) scopes.add('offline_access')
  return { scopes }
}

interface Shown {
  ticks: Ticks
  kinds: readonly KindOfData[]
  reasons: PlacedReasons
}

function groupsOf(choices: readonly Choice[], { ticks, kinds, reasons }: Shown): object[] {
  const names = [...new Set(choices.map((choice) => choice.group))]
  const numbers = new Map(choices.map((choice, index) => [choice, index + 1]))
  return names.map((id) => {
    const members = choices.filter((choice) => choice.group === id)
    return {
      id,
      titleKey: `groups.${id}`,
      sensitive: members.every((choice) => choice.sensitive),
      reasons: reasons.ofGroup.get(id) ?? [],
      choices: members.map((choice) => ({
        id: `choice-${numbers.get(choice)}`,
        scope: choice.scope,
        kind: choice.kind,
        ...labelOf(choice, kinds),
        verbs: choice.verbs,
        ticked: ticks.scopes.has(choice.scope),
        broad: choice.broad,
        reason: reasons.ofChoice.get(choice) ?? null
      }))
    }
  })
}

/** A kind that is several FHIR types has a switch for each, named after the type. */
function labelOf({ kind, resourceType }: Choice, kinds: readonly KindOfData[]): { labelKey?: string } {
  if (resourceType === undefined) return {}
  const types = kinds.find((one) => one.id === kind)?.types ?? []
  return types.length === 1 && types[0] === resourceType
    ? {}
    : { labelKey: `types.${types.includes(resourceType) ? resourceType : 'other'}` }
}

function identityFacts(told: readonly string[], reasons: ClientConfig['scope_reasons']): object[] {
  const facts = {
    who: ['openid', 'profile'],
    fhirUser: ['fhirUser'],
    patient: ['launch', 'launch/patient'],
    visit: ['launch', 'launch/encounter'],
    session: ['online_access']
  }
  return Object.entries(facts).flatMap(([fact, scopes]) => {
    const asked = scopes.filter((scope) => told.includes(scope))
    return asked.length === 0 ? [] : [{ key: `consent.identity.${fact}`, reason: reasonFor(reasons, asked) }]
  })
}
