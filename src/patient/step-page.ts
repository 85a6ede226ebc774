/** What the pages of the patient step have in common: what they are handed, how they answer, and how a search's pages are turned. */
import type { Context } from 'koa'
import type { OpenStep } from '../interaction/step.ts'
import type { Authorization } from '../smart/authorization.ts'
import type { SearchPage } from './searches.ts'

export interface OpenedStep {
  step: OpenStep & { accountId: string }
  about: Authorization
}

export interface StepPage {
  show(ctx: Context, opened: OpenedStep): Promise<void>
  submit(ctx: Context, opened: OpenedStep): Promise<void>
}

/** With the time after which to try again, where that helps. */
export function statusFor(ctx: Context, refused: string | null): number {
  if (refused === null) return 200
  if (refused !== 'not-answered' && refused !== 'too-many-attempts') return 422
  ctx.set('Retry-After', refused === 'not-answered' ? '5' : '60')
  return refused === 'not-answered' ? 503 : 429
}

export function pageNumber(text: string): number {
  return /^\d{1,3}$/.test(text) ? Number(text) : 0
}

/** For the buttons under a page of a search. `isCut`: there is more, but not at this FHIR server. */
export function turnsOf({ search, at, next }: SearchPage): { search: string; at: number; hasNext: boolean; isCut: boolean } {
  return { search, at, hasNext: typeof next === 'object', isCut: next === 'elsewhere' }
}
