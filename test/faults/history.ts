/**
 * What clients saw, call by call, replayed against what must hold whatever breaks. Pure: it asks nobody. A call that
 * got no answer, or that the store was away, may have happened or not; the rules take both for possible.
 *
 *   I1  one code, and one refresh token, gives one family of tokens
 *   I2  one one-time code, and one client assertion, is accepted once; one interaction is resumed once
 *   I3  what was acknowledged as ended stays ended
 *   I4  an acknowledged refresh leaves a token that works
 *   I5  every token that a client holds is in the audit trail
 *   I6  what was acknowledged as kept is there until it is ended
 *   I7  an error says what is true: 503 with Retry-After, never that a good code or token is bad, never nothing at all
 *   I8  what somebody was given is never said to be somebody else's
 */

export type Operation =
  /** `of`: whom whoever gave the code signed in as. */
  | { type: 'redeem'; code: string; of?: string }
  | { type: 'refresh'; token: string }
  | { type: 'introspect'; token: string }
  /** Revocation by the app, or Stop by the person: the families of these tokens end. */
  | { type: 'end'; tokens: string[] }
  | { type: 'one-time-code'; account: string; code: string }
  /** An assertion at the token endpoint; an interaction that goes back to the app with a code. */
  | { type: 'assertion'; client: string; jti: string }
  | { type: 'resume'; interaction: string }
  /** A write that lasts, such as a consent; and whether it is there. An `end` names what it removes among its tokens. */
  | { type: 'keep'; what: string }
  | { type: 'find'; what: string }
  /** Anything else that is asked on the way. */
  | { type: 'step'; what: string }

export type Answer =
  /** `whose`: the fhirUser that the answer names. */
  | { type: 'tokens'; access: string; refresh: string; requestId: string; whose?: string }
  | { type: 'done' }
  | { type: 'active'; active: boolean; whose?: string }
  | { type: 'found'; found: boolean }
  | { type: 'refused'; error: string }
  /** 503 with Retry-After. */
  | { type: 'unavailable' }
  /** The connection ended, or was never made. */
  | { type: 'lost' }
  /** What no client can make sense of. */
  | { type: 'fault'; what: string }

export interface Call {
  operation: Operation
  answer: Answer
  /** When it was sent and when its answer was there, by one clock. */
  start: number
  end: number
}

export interface History {
  calls: readonly Call[]
  /** The ids of the requests to which the audit trail says that tokens were issued. */
  issued: ReadonlySet<string>
  /** Whether a server was killed, so that answers may be missing. */
  mayLose?: boolean
}

export interface Violation {
  invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8'
  what: string
}

export function violationsIn({ calls, issued, mayLose = false }: History): Violation[] {
  const familyOf = families(calls)
  return [
    ...doubles(calls),
    ...undoneEndings(calls, familyOf),
    ...wrongRefusals(calls, familyOf),
    ...unaudited(calls, issued),
    ...lostWrites(calls),
    ...senselessAnswers(calls, mayLose),
    ...mistakenOwners(calls, familyOf)
  ]
}

/** Each token's family, named by the code it began with. */
function families(calls: readonly Call[]): (token: string) => string {
  const parents = new Map<string, string>()
  for (const { operation, answer } of calls) {
    const presented = spent(operation)
    if (presented === undefined || answer.type !== 'tokens') continue
    parents.set(answer.access, presented)
    // The same token again, as a rotation that was switched off would give it, is its own beginning.
    if (answer.refresh !== presented) parents.set(answer.refresh, presented)
  }
  return (token) => {
    let root = token
    for (let parent = parents.get(root); parent !== undefined; parent = parents.get(root)) root = parent
    return root
  }
}

/** What an operation uses up. */
function spent(operation: Operation): string | undefined {
  if (operation.type === 'redeem') return operation.code
  return operation.type === 'refresh' ? operation.token : undefined
}

function doubles(calls: readonly Call[]): Violation[] {
  const successors = new Map<string, Set<string>>()
  const accepted = new Map<string, number>()
  for (const { operation, answer } of calls) {
    const presented = spent(operation)
    if (presented !== undefined && answer.type === 'tokens') {
      successors.set(presented, (successors.get(presented) ?? new Set()).add(answer.refresh))
    }
    const use = answer.type === 'done' ? singleUse(operation) : undefined
    if (use !== undefined) accepted.set(use, (accepted.get(use) ?? 0) + 1)
  }
  return [
    ...[...successors].flatMap(([presented, { size }]) =>
      size > 1 ? [{ invariant: 'I1' as const, what: `${presented} gave ${size} families` }] : []
    ),
    ...[...accepted].flatMap(([use, times]) =>
      times > 1 ? [{ invariant: 'I2' as const, what: `${use} was accepted ${times} times` }] : []
    )
  ]
}

/** What may be accepted once, beside what gives tokens. */
function singleUse(operation: Operation): string | undefined {
  if (operation.type === 'one-time-code') return `${operation.code} of ${operation.account}`
  if (operation.type === 'assertion') return `assertion ${operation.jti} of ${operation.client}`
  return operation.type === 'resume' ? `interaction ${operation.interaction}` : undefined
}

function undoneEndings(calls: readonly Call[], familyOf: (token: string) => string): Violation[] {
  const endings = new Map<string, number>()
  for (const { operation, answer, end } of calls) {
    if (operation.type !== 'end' || answer.type !== 'done') continue
    for (const family of operation.tokens.map(familyOf)) endings.set(family, Math.min(end, endings.get(family) ?? end))
  }
  return calls.flatMap(({ operation, answer, start }) => {
    const gained = answer.type === 'tokens' || (answer.type === 'active' && answer.active)
    const token = operation.type === 'introspect' ? operation.token : spent(operation)
    const ended = token === undefined ? undefined : endings.get(familyOf(token))
    return gained && ended !== undefined && start > ended
      ? [{ invariant: 'I3' as const, what: `${operation.type} of ${token} works after its family was ended` }]
      : []
  })
}

/** Refusals of what nobody had used before, ended, or may have. */
function wrongRefusals(calls: readonly Call[], familyOf: (token: string) => string): Violation[] {
  const byFamily = Map.groupBy(
    calls.flatMap((call) => {
      const { operation } = call
      const token = spent(operation)
      const tokens = operation.type === 'end' ? operation.tokens : token === undefined ? [] : [token]
      return tokens.map((each) => ({ call, token: each, family: familyOf(each) }))
    }),
    ({ family }) => family
  )
  /** A second use of anything in the family, or its end, that had begun before this call was answered. */
  const isDisturbed = (token: string, before: Call): boolean => {
    const uses = (byFamily.get(familyOf(token)) ?? []).filter(({ call }) => call === before || call.start < before.end)
    if (uses.some(({ call }) => call.operation.type === 'end')) return true
    return new Set(uses.map((use) => use.token)).size < uses.length
  }
  return calls.flatMap((call) => {
    const { operation, answer } = call
    const token = operation.type === 'introspect' ? operation.token : spent(operation)
    const refused = answer.type === 'refused' || (answer.type === 'active' && !answer.active)
    if (token === undefined || !refused || isDisturbed(token, call)) return []
    const invariant = operation.type === 'refresh' ? ('I4' as const) : ('I7' as const)
    return [{ invariant, what: `${operation.type} of ${token} is refused, though nothing had happened to it` }]
  })
}

function unaudited(calls: readonly Call[], issued: ReadonlySet<string>): Violation[] {
  const held = Map.groupBy(
    calls.flatMap(({ answer }) => (answer.type === 'tokens' ? [answer] : [])),
    ({ access }) => access
  )
  return [...held].flatMap(([access, answers]) =>
    answers.some(({ requestId }) => issued.has(requestId))
      ? []
      : [{ invariant: 'I5' as const, what: `${access} is not in the audit trail` }]
  )
}

function lostWrites(calls: readonly Call[]): Violation[] {
  const kept = calls.filter(({ operation, answer }) => operation.type === 'keep' && answer.type === 'done')
  const ends = calls.flatMap(({ operation, start }) => (operation.type === 'end' ? [{ tokens: operation.tokens, start }] : []))
  return calls.flatMap((look) => {
    const { operation, answer } = look
    if (operation.type !== 'find' || answer.type !== 'found' || answer.found) return []
    const { what } = operation
    const since = kept.flatMap((call) =>
      call.operation.type === 'keep' && call.operation.what === what && call.end < look.start ? [call.start] : []
    )
    const last = Math.max(...since)
    const ended = ends.some(({ tokens, start }) => tokens.includes(what) && start < look.end && start > last)
    return since.length > 0 && !ended ? [{ invariant: 'I6' as const, what: `${what} is gone` }] : []
  })
}

function mistakenOwners(calls: readonly Call[], familyOf: (token: string) => string): Violation[] {
  const owners = new Map(
    calls.flatMap(({ operation: { type, ...operation } }) =>
      type === 'redeem' && 'of' in operation ? [[operation.code, operation.of]] : []
    )
  )
  return calls.flatMap(({ operation, answer }) => {
    const token = operation.type === 'introspect' ? operation.token : spent(operation)
    const owner = token === undefined ? undefined : owners.get(familyOf(token))
    const whose = answer.type === 'tokens' || answer.type === 'active' ? answer.whose : undefined
    return owner !== undefined && whose !== undefined && whose !== owner
      ? [{ invariant: 'I8' as const, what: `${operation.type} of ${token} speaks of ${whose}, and it is ${owner}'s` }]
      : []
  })
}

function senselessAnswers(calls: readonly Call[], mayLose: boolean): Violation[] {
  return calls.flatMap(({ operation, answer }) => {
    if (answer.type === 'fault') return [{ invariant: 'I7' as const, what: `${operation.type} was answered with ${answer.what}` }]
    return answer.type === 'lost' && !mayLose ? [{ invariant: 'I7' as const, what: `${operation.type} got no answer` }] : []
  })
}
