/**
 * What the app says of itself, as the consent page shows it: why it asks, once for each reason and beside the kinds of data
 * that it is about, and what it does with data. It is the app that says so, and the page says that too.
 */
import { PRIVACY_QUESTIONS } from '../config/app-words.ts'
import type { ClientConfig, PrivacyAnswers } from '../config/config.ts'
import { covers, parseResourceScope, type ResourceScope } from '../smart-scopes/resource-scope.ts'
import type { Choice } from './choices.ts'

export interface PlacedReasons {
  /** Of kinds in several groups: the groups, or none where it is about all kinds. */
  ofPage: { text: string; groups: string[] }[]
  ofGroup: ReadonlyMap<string, string[]>
  ofChoice: ReadonlyMap<Choice, string>
}

type Reasons = ClientConfig['scope_reasons']

export function placeReasons(reasons: Reasons, choices: readonly Choice[]): PlacedReasons {
  const given = Object.entries(reasons ?? {}).flatMap(([scope, text]) => {
    const parsed = parseResourceScope(scope)
    return parsed ? [{ parsed, text }] : []
  })
  const about = new Map<string, { wide: boolean; all: Choice[] }>()
  for (const choice of choices) {
    const wanted = parseResourceScope(choice.scope)
    const nearest = wanted && given.filter(({ parsed }) => covers(parsed, wanted)).toSorted(byNearness)[0]
    if (!nearest) continue
    const { wide = false, all = [] } = about.get(nearest.text) ?? {}
    about.set(nearest.text, { wide: wide || nearest.parsed.resourceType === '*', all: [...all, choice] })
  }
  const ofPage: PlacedReasons['ofPage'] = []
  const ofGroup = new Map<string, string[]>()
  const ofChoice = new Map<Choice, string>()
  for (const [text, { wide, all }] of about) {
    // What is left over of a type is in a group of its own, which says nothing of what the reason is about.
    const named = all.some((choice) => !choice.broad) ? all.filter((choice) => !choice.broad) : all
    const groups = [...new Set(named.map((choice) => choice.group))]
    const [only, ...others] = named
    const [group = '', ...more] = groups
    if (choices.length > 1 && (wide || all.length === choices.length)) ofPage.push({ text, groups: [] })
    else if (more.length > 0) ofPage.push({ text, groups })
    else if (only && others.length === 0) ofChoice.set(only, text)
    else ofGroup.set(group, [...(ofGroup.get(group) ?? []), text])
  }
  return { ofPage, ofGroup, ofChoice }
}

/** The reason for the first of these scopes that has one: for what has no switch among the kinds of data. */
export function reasonFor(reasons: Reasons, scopes: readonly string[]): string | null {
  const scope = scopes.find((one) => reasons !== undefined && Object.hasOwn(reasons, one))
  return (scope === undefined ? undefined : reasons?.[scope]) ?? null
}

/** Locale keys: a sentence for each answer, and the questions that are open. Alike for every app, one that says nothing too. */
export function privacyFacts(answers: PrivacyAnswers | undefined): { answers: string[]; open: string[] } {
  return {
    answers: PRIVACY_QUESTIONS.flatMap((question) => {
      const answer = answers?.[question]
      return answer === undefined ? [] : [`consent.privacy.${question}.${answer}`]
    }),
    open: PRIVACY_QUESTIONS.filter((question) => answers?.[question] === undefined).map(
      (question) => `consent.privacy.open.${question}`
    )
  }
}

/** A reason for one type comes before one for all, and one for a part of it before both. */
function byNearness({ parsed: a }: { parsed: ResourceScope }, { parsed: b }: { parsed: ResourceScope }): number {
  return nearness(b) - nearness(a)
}

function nearness({ resourceType, query, interactions }: ResourceScope): number {
  return (resourceType === '*' ? 0 : 100) + (query === undefined ? 0 : 10) - interactions.length
}
