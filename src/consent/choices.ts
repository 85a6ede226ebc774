/**
 * What a person can decide about, worked out from what the app asks for: one
 * choice per kind of data and verb, each a scope of its own. A pure module: which
 * scopes may be asked for at all is smart/scope-policy.ts, what was decided
 * before is consents.ts.
 */
import { parseResourceScope, printResourceScope, type ResourceScope } from '../smart-scopes/resource-scope.ts'
import { valuesOf } from '../smart-scopes/search-filter.ts'
import type { KindOfData } from './kinds.ts'

export type Verb = 'see' | 'add' | 'delete'

export interface Choice {
  /** The exact scope that ticking it grants. */
  scope: string
  /** Id of a kind of data. */
  kind: string
  group: string
  verbs: Verb[]
  sensitive: boolean
  /** Made to cover what is left of other choices. As any choice, it counts only while nothing that it reaches is unticked. */
  broad: boolean
  /** Set where the choice is a whole FHIR type. */
  resourceType?: string
}

interface Asked {
  /** Scopes that the client may be granted. */
  scopes: readonly string[]
  /** A patient decides kind by kind; a clinician, whose work it is, scope by scope. */
  decides: 'patient' | 'clinician'
  kinds: readonly KindOfData[]
  /** Types whose categories the FHIR server enforces: a switch that it can't enforce is not offered. */
  categoriesOf: readonly string[]
}

const VERB_LETTERS: { verb: Verb; letters: string }[] = [
  { verb: 'see', letters: 'rs' },
  { verb: 'add', letters: 'cu' },
  { verb: 'delete', letters: 'd' }
]

/** The choices in the order of the kinds of data. */
export function choicesFor(asked: Asked): Choice[] {
  const parsed = asked.scopes.flatMap((scope) => parseResourceScope(scope) ?? [])
  const byPerson = asked.decides === 'patient'
  const offered = parsed.flatMap((scope) =>
    byPerson && scope.context === 'patient' ? refine(scope, asked) : [whole(scope, asked)]
  )
  const unique = [...new Map(offered.map((choice) => [choice.scope, choice])).values()]
  const order = new Map(asked.kinds.map((kind, index) => [kind.id, index]))
  return unique.sort((a, b) => (order.get(a.kind) ?? Infinity) - (order.get(b.kind) ?? Infinity))
}

/**
 * Which of the choices a list of ticked scopes grants: none through which something unticked would be shared. An app may ask
 * for one thing in several ways (`.read` and `.rs`): it is shared where all of them are on.
 */
export function grantedOf(choices: readonly Choice[], ticked: readonly string[]): string[] {
  const on = new Set(ticked)
  const unticked = choices.filter((choice) => !on.has(choice.scope)).flatMap(({ scope }) => reachOf(scope) ?? [])
  return choices
    .map((choice) => choice.scope)
    .filter((scope) => {
      const one = on.has(scope) ? reachOf(scope) : undefined
      return one !== undefined && !unticked.some((other) => reachesInto(one, other))
    })
}

/** A scope with its categories, which are read once: there may be thousands of scopes, each compared with all others. */
interface Reach {
  scope: ResourceScope
  categories: string[]
}

function reachOf(text: string): Reach | undefined {
  const scope = parseResourceScope(text)
  return scope && { scope, categories: valuesOf(scope.query, 'category') }
}

/** Whether a scope may give what another names, in part at least. */
function reachesInto({ scope: one, categories }: Reach, { scope: other, categories: others }: Reach): boolean {
  return (
    one.context === other.context &&
    (one.resourceType === '*' || one.resourceType === other.resourceType) &&
    [...one.interactions].some((letter) => other.interactions.includes(letter)) &&
    (one.query === undefined || (other.query !== undefined && !areApart(categories, others)))
  )
}

/** A scope, one choice per verb, taken apart by type and category where it is wide. */
function refine(scope: ResourceScope, asked: Asked): Choice[] {
  return byVerb(scope).flatMap((part) => {
    if (part.query !== undefined) return [whole(part, asked)]
    if (part.resourceType === '*') {
      const types = [...new Set(asked.kinds.flatMap(typesOf))]
      return [...types.flatMap((resourceType) => ofType({ ...part, resourceType }, asked, true)), everythingElse(part, asked)]
    }
    return ofType(part, asked, false)
  })
}

/**
 * A type, by its categories where the FHIR server enforces them. Its own switch for what is filed under none
 * comes last; under a wildcard that one is left to "everything else".
 */
function ofType(part: ResourceScope, asked: Asked, underWildcard: boolean): Choice[] {
  const { resourceType } = part
  const categories =
    asked.categoriesOf.includes(resourceType) && seesOnly(part) ? categoriesOfType(asked.kinds, resourceType) : []
  if (categories.length === 0) return [whole(part, asked)]
  const granular = categories.map(({ kind, category }) => ({
    ...choice({ ...part, query: `category=${category}` }, kind)
  }))
  return underWildcard ? granular : [...granular, everythingElse(part, asked)]
}

function everythingElse(part: ResourceScope, { kinds }: Asked): Choice {
  return { ...choice(part, everythingKind(kinds)), broad: true, sensitive: true }
}

function whole(scope: ResourceScope, { kinds, decides }: Asked): Choice {
  const [category, ...others] = valuesOf(scope.query, 'category')
  const kind =
    (category === undefined || others.length > 0
      ? undefined
      : categoriesOfType(kinds, scope.resourceType).find((one) => one.category === category)?.kind) ??
    kinds.find((one) => one.types.includes(scope.resourceType)) ??
    everythingKind(kinds)
  const wide = scope.resourceType === '*'
  return {
    ...choice(scope, kind),
    // What a patient's own account may see includes everybody it acts for: not a thing to start on.
    ...(decides === 'patient' && (scope.context !== 'patient' || wide) ? { sensitive: true } : {}),
    ...(wide || scope.query !== undefined ? {} : { resourceType: scope.resourceType })
  }
}

function choice(scope: ResourceScope, kind: KindOfData): Choice {
  const verbs = VERB_LETTERS.filter(({ letters }) => [...letters].some((letter) => scope.interactions.includes(letter)))
  return {
    scope: printResourceScope(scope),
    kind: kind.id,
    group: kind.group,
    verbs: verbs.map(({ verb }) => verb),
    sensitive: kind.sensitive,
    broad: false
  }
}

/** One scope per verb. A version 1 scope that is one verb stays as it was written; `.write` is not taken apart. */
function byVerb(scope: ResourceScope): ResourceScope[] {
  if (scope.version1) {
    if (scope.interactions !== 'cruds') return [scope]
    return ['rs', 'cud'].map((interactions) => ({ ...scope, interactions }))
  }
  return VERB_LETTERS.flatMap(({ letters }) => {
    const interactions = [...scope.interactions].filter((letter) => letters.includes(letter)).join('')
    return interactions ? [{ ...scope, interactions }] : []
  })
}

/** Whether two searches are for other categories: what else a search finds, nobody can tell. */
function areApart(ones: readonly string[], others: readonly string[]): boolean {
  return ones.length > 0 && others.length > 0 && !ones.some((category) => others.includes(category))
}

function seesOnly(scope: ResourceScope): boolean {
  return [...scope.interactions].every((letter) => letter === 'r' || letter === 's')
}

function typesOf(kind: KindOfData): string[] {
  return [...kind.types.filter((type) => type !== '*'), ...Object.keys(kind.categories)]
}

function categoriesOfType(kinds: readonly KindOfData[], resourceType: string): { kind: KindOfData; category: string }[] {
  return kinds.flatMap((kind) => (kind.categories[resourceType] ?? []).map((category) => ({ kind, category })))
}

function everythingKind(kinds: readonly KindOfData[]): KindOfData {
  const kind = kinds.find((one) => one.types.includes('*'))
  if (!kind) throw new Error('kinds-of-data.json has no kind for everything else')
  return kind
}
