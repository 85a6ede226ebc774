/**
 * What is noted on a request while the engine works on it, for the end of its
 * answer (answers.ts). Koa keeps anything under any name; these are all that we
 * keep there for the engine's requests, each with its type.
 */
import type { Context } from 'koa'
import type { Account } from '../accounts/accounts.ts'
import type { DroppedScope } from '../smart/scope-decision.ts'

export interface RequestNotes {
  /** The engine's error that is the answer. */
  refusal?: Error
  /** A fault: the engine caught it, web/errors.ts answers it. */
  fault?: Error
  /** Whose session it is, as the request found it: see account-once.ts. */
  account?: Account
  /** Why the answer gives what it gives. */
  decision?: { asked: string[]; dropped: DroppedScope[] }
}

export function notesOf(ctx: Pick<Context, 'state'>): RequestNotes {
  const state: { engineNotes?: RequestNotes } = ctx.state
  state.engineNotes ??= {}
  return state.engineNotes
}
