/**
 * The signed-in person's page: which apps may see what, about whom, since when,
 * and a button that stops each at once.
 */
import Router from '@koa/router'
import type { Context } from 'koa'
import type { AuditTrail } from '../audit/trail.ts'
import { type Clients, hostOf } from '../clients/clients.ts'
import type { ClientConfig } from '../config/config.ts'
import { isApproved } from '../consent/approved.ts'
import type { Consent, Consents } from '../consent/consents.ts'
import type { KindOfData } from '../consent/kinds.ts'
import { kindsIn } from '../consent/kinds-in-scopes.ts'
import { reached } from '../observability/steps.ts'
import type { BrandNameOf } from '../smart/brand-names.ts'
import { readForm } from '../web/form.ts'
import { languageOf, render, translatorOf } from '../web/render.ts'
import { sourceOf } from '../web/request.ts'
import { isolateWindow } from '../web/security-headers.ts'
import type { BrowserSession, BrowserSessions } from './browser-session.ts'
import { seeOther, signInTo } from './sign-in.ts'

interface Deps {
  issuer: string
  sessions: BrowserSessions
  consents: Consents
  clients: Clients
  brandNameOf: BrandNameOf
  kinds: readonly KindOfData[]
  audit: AuditTrail
}

export function accountRoutes(deps: Deps): Router {
  const { issuer, sessions, consents, clients, brandNameOf, kinds, audit } = deps
  const router = new Router({ prefix: '/account' })
  router.get('/', async (ctx) => {
    const session = await sessions.open(ctx)
    if (!session) return signInTo(ctx, issuer, 'account')
    await page(ctx, session, null)
  })
  // The engine comes back here with a code for nobody: that there is a session now is all that counts.
  router.get('/signed-in', (ctx) => seeOther(ctx, `${issuer}/account`))
  router.post('/stop', async (ctx) => {
    const session = await sessions.open(ctx)
    if (!session) return signInTo(ctx, issuer, 'account')
    const { consentId } = await readForm(ctx, ['consentId'])
    // Recorded first: nothing ends that the trail does not know of.
    const ended = await consents.end(session.account.sub, consentId, async ({ accountId, clientId, fhirServer, patient }) => {
      const about = { accountId, consentId, clientId, fhirServer, ...(patient === undefined ? {} : { patient }) }
      await audit.record(sourceOf(ctx), { type: 'access-ended', outcome: 'ended', ...about })
      reached('stop:audited')
    })
    if (ended) reached('stop:ended')
    await page(ctx, session, ended ? (ended.by ? 'stopped-for-now' : 'stopped') : 'already-stopped')
  })
  router.post('/sign-out', async (ctx) => {
    const session = await sessions.open(ctx)
    if (session) {
      await audit.record(sourceOf(ctx), { type: 'sign-out', outcome: 'ended', accountId: session.account.sub })
      reached('sign-out:audited')
      await session.end()
      reached('sign-out:ended')
    }
    isolateWindow(ctx)
    render(ctx, 'signed-out', { app: null })
  })

  async function page(
    ctx: Context,
    { account }: BrowserSession,
    message: 'stopped' | 'stopped-for-now' | 'already-stopped' | null
  ): Promise<void> {
    const apps = []
    const approved = []
    for await (const consent of consents.of(account.sub)) {
      const client = await clients.find(consent.clientId)
      if (!consent.by) apps.push(row(ctx, consent, client))
      // What came of an approval that was taken back is worth nothing: see oidc/access.ts.
      else if (client && isApproved({ account, client })) approved.push(row(ctx, consent, client))
    }
    isolateWindow(ctx)
    render(ctx, 'account', { app: null, signedInAs: account.name, apps, approved, message })
  }

  function row(ctx: Context, consent: Consent, client: ClientConfig | undefined): object {
    const t = translatorOf(ctx)
    const date = new Intl.DateTimeFormat(languageOf(ctx), { dateStyle: 'long', timeZone: 'UTC' })
    const [redirectUri] = client?.redirect_uris ?? []
    return {
      consentId: consent.consentId,
      name: client?.client_name ?? consent.clientName,
      host: redirectUri ? hostOf(redirectUri) : '',
      forWhom: consent.patientName ?? consent.patient ?? null,
      brand: brandNameOf(consent.fhirServer) ?? null,
      kinds: kindsIn(consent.granted, kinds).map((title) => t(title)),
      since: date.format(consent.since),
      until: consent.until === undefined ? null : date.format(consent.until),
      offline: consent.granted.includes('offline_access')
    }
  }
  return router
}
