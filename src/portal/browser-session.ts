/** Who is signed in, in this browser: with all the factors that the account has to give, or not at all. */
import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import type { Account, Accounts } from '../accounts/accounts.ts'
import type { SecondFactor } from '../accounts/second-factor.ts'
import type { SessionEnds } from '../interaction/session-ends.ts'

export interface BrowserSession {
  account: Account
  /** Ends it on the server: the cookie is worth nothing afterwards. */
  end(): Promise<void>
}

export interface BrowserSessions {
  open(ctx: Context): Promise<BrowserSession | undefined>
}

interface Deps {
  provider: Provider
  accounts: Accounts
  secondFactor: SecondFactor
  sessionEnds: Pick<SessionEnds, 'end'>
}

export function createBrowserSessions({ provider, accounts, secondFactor, sessionEnds }: Deps): BrowserSessions {
  return {
    async open(ctx) {
      const session = await provider.Session.get(provider.createContext(ctx.req, ctx.res))
      const account = session.accountId ? await accounts.find(session.accountId) : undefined
      if (!account || account.disabled || secondFactor.isMissing(account, session.amr)) return undefined
      return { account, end: () => sessionEnds.end(session) }
    }
  }
}
