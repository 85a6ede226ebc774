/**
 * What is noted on a request while the engine works on it, for the end of its
 * answer (answers.ts). Koa keeps anything under any name; these are all that we
 * keep there for the engine's requests, each with its type.
 */

import type { Context } from 'koa'
import type { AdapterPayload } from 'oidc-provider'
import type { Access } from './access.ts'
import type { Successor } from './refresh-retry.ts'
import type { TokenWrites } from './token-writes.ts'

export interface RequestNotes {
  /** The engine's error that is the answer. */
  refusal?: Error
  /** A fault: the engine caught it, web/errors.ts answers it. */
  fault?: Error
  /** What the code or refresh token that was shown is worth now; undefined: nothing. */
  access?: Access | undefined
  tokenWrites?: TokenWrites
  /** The refresh token that was shown is spent, and this is a retry: what it is answered with. */
  successor?: Successor
  /** The Grant that was read last: a refusal ends before the engine says whose Grant it was about. */
  grantRead?: AdapterPayload
  /** The id of a Grant that the engine ended, because its code or refresh token was used twice. */
  endedGrant?: string
}

export function notesOf(ctx: Pick<Context, 'state'>): RequestNotes {
  const state: { engineNotes?: RequestNotes } = ctx.state
  state.engineNotes ??= {}
  return state.engineNotes
}
