/** The account that a request of the engine is about, read once for it: its checks ask for the same one, one after another. */
import type { Context } from 'koa'
import type { Account, Accounts } from '../accounts/accounts.ts'
import { notesOf } from './request-notes.ts'

export function accountOnce(accounts: Pick<Accounts, 'find'>) {
  return async (ctx: Pick<Context, 'state'>, sub: string): Promise<Account | undefined> => {
    const notes = notesOf(ctx)
    if (notes.account?.sub === sub) return notes.account
    const account = await accounts.find(sub)
    if (account) notes.account = account
    return account
  }
}
