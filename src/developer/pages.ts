/**
 * /developer: where somebody who makes apps registers them, sees how their requests for production stand, and manages them.
 * The account has to be a developer's, and sees and changes its own apps only. What an app may say of itself is decided in
 * metadata.ts, what may become of it in changes.ts.
 */
import { randomBytes } from 'node:crypto'
import Router from '@koa/router'
import type { Context } from 'koa'
import type { Account } from '../accounts/accounts.ts'
import type { RegistrationOutcome } from '../audit/event.ts'
import type { AuditTrail } from '../audit/trail.ts'
import type { StoredClient } from '../clients/stored-clients.ts'
import { PRIVACY_ANSWERS } from '../config/app-words.ts'
import type { BrowserSessions } from '../portal/browser-session.ts'
import { seeOther, signInTo } from '../portal/sign-in.ts'
import type { Kind, Store } from '../store/store.ts'
import type { Attempts } from '../web/attempts.ts'
import { readForm } from '../web/form.ts'
import { PageError } from '../web/page-error.ts'
import { languageOf, render } from '../web/render.ts'
import { sourceOf } from '../web/request.ts'
import { isolateWindow } from '../web/security-headers.ts'
import { type AppForm, emptyForm, fieldOf, formOf, metadataOf, readAppForm, type SentForm, withMoreRows } from './app-form.ts'
import { type Place, viewOfApp } from './app-view.ts'
import { hasSecret, mayAskForProduction, newClientId } from './changes.ts'
import { type AppMetadata, readMetadata } from './metadata.ts'
import type { ChangedApp, OwnedApps } from './owned-apps.ts'

interface Deps extends Place {
  sessions: Pick<BrowserSessions, 'open'>
  apps: OwnedApps
  store: Store
  audit: AuditTrail
  /** With a window of a day, shared with registration by RFC 7591. */
  attempts: Attempts
  perDay: number
  allowedHosts: readonly string[]
  now: () => number
}

/** The forms that were saved: what comes a second time makes no second app. */
const savedForms: Kind<Record<string, never>> = { name: 'developer-form' }
const DAY = 86_400_000
const MOST_APPS = 50
/** Of those of a day so many parts, and one for a developer: whoever adds and deletes without end keeps nobody else out. */
const SHARES = 5
const ONCE = /^[\w-]{22}$/

type Problem = { field: string; text: string | null }

export function developerPages(deps: Deps): Router {
  const { issuer, sessions, apps, store, audit, attempts, perDay, allowedHosts, now } = deps
  const router = new Router({ prefix: '/developer' })
  const home = `${issuer}/developer`
  const pageOf = ({ client }: StoredClient) => `${home}/apps/${client.client_id}`

  router.get('/', async (ctx) => {
    const account = await developer(ctx)
    if (!account) return
    const views = (await apps.of(account.sub)).map((stored) => viewOfApp(stored, deps, languageOf(ctx)))
    show(ctx, 'developer', account, { apps: views })
  })
  // The engine comes back here with a code for nobody: that there is a session now is all that counts.
  router.get('/signed-in', (ctx) => seeOther(ctx, home))

  router.get('/new', async (ctx) => {
    const account = await developer(ctx)
    if (account) form(ctx, account, null, emptyForm(), null)
  })
  router.post('/new', async (ctx) => {
    const account = await developer(ctx)
    if (!account) return
    const sent = await readAppForm(ctx)
    if (sent.button === 'more') return form(ctx, account, null, sent, null)
    const metadata = described(sent, newClientId())
    if ('field' in metadata) return form(ctx, account, null, sent, metadata)
    if ((await apps.of(account.sub)).length >= MOST_APPS) return form(ctx, account, null, sent, { field: 'most', text: null })
    if (!(await isFirst(account, sent))) return seeOther(ctx, home)
    const share = await attempts.take('registrations', account.sub, Math.ceil(perDay / SHARES))
    const quota = share.ok ? await attempts.take('registrations', 'all', perDay) : share
    if (!quota.ok) return form(ctx, account, null, sent, { field: 'quota', text: null })
    await record(ctx, account, 'registered', metadata.client.client_id)
    await created(ctx, account, await apps.create(account.sub, metadata))
  })

  router.get('/apps/:clientId', async (ctx) => {
    const found = await own(ctx)
    if (found) app(ctx, found.account, { stored: found.stored })
  })
  router.get('/apps/:clientId/edit', async (ctx) => {
    const found = await own(ctx)
    if (!found) return
    if (!isOpenToChange(found.stored)) return seeOther(ctx, pageOf(found.stored))
    form(ctx, found.account, found.stored, formOf(found.stored), null)
  })
  router.post('/apps/:clientId/edit', async (ctx) => {
    const found = await own(ctx)
    if (!found) return
    const { account, stored } = found
    const sent = await readAppForm(ctx)
    if (sent.button === 'more') return form(ctx, account, stored, sent, null)
    const metadata = described(sent, stored.client.client_id)
    if ('field' in metadata) return form(ctx, account, stored, sent, metadata)
    await changed(ctx, found, 'changed', isOpenToChange, (clientId) => apps.replace(account.sub, clientId, metadata))
  })
  router.post('/apps/:clientId/secret', async (ctx) => {
    const found = await own(ctx)
    if (!found) return
    const mayRotate = ({ client }: StoredClient) => hasSecret(client)
    await changed(ctx, found, 'secret-rotated', mayRotate, (clientId) => apps.rotateSecret(found.account.sub, clientId))
  })
  router.post('/apps/:clientId/production', async (ctx) => {
    const found = await own(ctx)
    if (!found) return
    const ask = (clientId: string) => apps.askForProduction(found.account.sub, clientId)
    await changed(ctx, found, 'production-asked', mayAskForProduction, ask)
  })
  router.post('/apps/:clientId/delete', async (ctx) => {
    const found = await own(ctx)
    if (!found) return
    const { account, stored } = found
    const { sure } = await readForm(ctx, ['sure'])
    if (sure !== 'yes' || stored.client.disabled) return seeOther(ctx, pageOf(stored))
    await record(ctx, account, 'deleted', stored.client.client_id)
    await apps.remove(account.sub, stored.client.client_id)
    seeOther(ctx, home)
  })

  /** The signed-in developer. Undefined: answered already, with the way to sign in, or that this page is not theirs. */
  async function developer(ctx: Context): Promise<Account | undefined> {
    const session = await sessions.open(ctx)
    if (session?.account.role === 'developer') return session.account
    if (!session) signInTo(ctx, issuer, 'developer')
    else show(ctx, 'developer-none', session.account, {}, 403)
    return undefined
  }

  async function own(ctx: Context): Promise<{ account: Account; stored: StoredClient } | undefined> {
    const account = await developer(ctx)
    if (!account) return undefined
    const { clientId }: { clientId?: unknown } = ctx.params
    const stored = await apps.find(account.sub, String(clientId))
    if (!stored) throw new PageError(404, 'not-found')
    return { account, stored }
  }

  function described(sent: AppForm, clientId: string): AppMetadata | Problem {
    const metadata = readMetadata(metadataOf(sent), { clientId, allowedHosts })
    return 'error' in metadata ? { field: fieldOf(metadata.member), text: metadata.description } : metadata
  }

  async function isFirst({ sub }: Account, { once }: SentForm): Promise<boolean> {
    if (!ONCE.test(once)) throw new PageError(400, 'form')
    return store.create(savedForms, `${sub} ${once}`, {}, { expiresAt: now() + DAY })
  }

  /** Recorded first: nothing changes that the trail does not know of. What can't be done as the app stands is not begun. */
  async function changed(
    ctx: Context,
    { account, stored }: { account: Account; stored: StoredClient },
    outcome: RegistrationOutcome,
    isPossible: (stored: StoredClient) => boolean,
    change: (clientId: string) => Promise<ChangedApp | undefined>
  ): Promise<void> {
    const { client_id: clientId, disabled } = stored.client
    if (disabled || !isPossible(stored)) return seeOther(ctx, pageOf(stored))
    await record(ctx, account, outcome, clientId)
    const done = await change(clientId)
    if (done?.secret === undefined) seeOther(ctx, pageOf(stored))
    else app(ctx, account, done)
  }

  /** A secret is told by the answer itself: an address would keep it. */
  function created(ctx: Context, account: Account, done: ChangedApp): void {
    if (done.secret === undefined) seeOther(ctx, pageOf(done.stored))
    else app(ctx, account, done, 201)
  }

  function app(ctx: Context, account: Account, { stored, secret }: ChangedApp, status = 200): void {
    show(ctx, 'developer-app', account, { ...viewOfApp(stored, deps, languageOf(ctx)), secret: secret ?? null }, status)
  }

  function form(ctx: Context, account: Account, of: StoredClient | null, filled: AppForm, problem: Problem | null): void {
    const { values, rows } = withMoreRows(filled)
    const once = randomBytes(16).toString('base64url')
    const members = { clientId: of?.client.client_id ?? null, name: of?.client.client_name ?? null, values, rows, once, problem }
    show(ctx, 'developer-form', account, { ...members, questions: PRIVACY_ANSWERS }, problem === null ? 200 : 422)
  }

  function show(ctx: Context, template: string, { name }: Account, members: Record<string, unknown>, status = 200): void {
    isolateWindow(ctx)
    render(ctx, template, { app: null, signedInAs: name, ...members }, status)
  }

  function record(ctx: Context, { sub }: Account, outcome: RegistrationOutcome, clientId: string): Promise<void> {
    return audit.record(sourceOf(ctx), { type: 'registration', outcome, clientId, accountId: sub })
  }
  return router
}

function isOpenToChange({ sandbox, client }: StoredClient): boolean {
  return sandbox && !client.disabled
}
