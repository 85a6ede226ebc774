/**
 * Where an EHR says what its user has open, and gets the handle with which it
 * launches an app. The EHR is a registered client that shows an access token for
 * this (smart/own-api.ts); its registration says for which FHIR servers
 * (`launch_contexts`), for which apps (`launch_apps`) and what (`launch_kinds`).
 */
import Router from '@koa/router'
import type { Context } from 'koa'
import { z } from 'zod'
import type { AuditTrail } from '../audit/trail.ts'
import type { Clients } from '../clients/clients.ts'
import type { UserStatements } from '../clients/user-statements.ts'
import type { ClientConfig } from '../config/config.ts'
import { fhirUserReference } from '../config/fields.ts'
import { reached } from '../observability/steps.ts'
import { readJson } from '../web/body.ts'
import { sourceOf } from '../web/request.ts'
import { type Launches, REDEEM_WITHIN } from './launch.ts'
import { launchContextMembers } from './launch-context.ts'
import type { OwnScope } from './own-api.ts'

interface Deps {
  clients: Clients
  launches: Launches
  userStatements: UserStatements
  audit: AuditTrail
  /** Answers itself where it refuses. */
  bearerClient(
    ctx: Context,
    scope: OwnScope
  ): Promise<{ client: ClientConfig } | { refused: 401 | 403; clientId?: string | undefined }>
}

const launchRequest = z.strictObject({
  client_id: z.string().min(1).max(200),
  fhirServer: z.string().min(1).max(64),
  user: fhirUserReference.exactOptional(),
  user_assertion: z.string().min(1).max(16_384).exactOptional(),
  ...launchContextMembers
})

type LaunchRequest = z.infer<typeof launchRequest>

/** Undefined where the registration allows it. */
function beyond(ehr: ClientConfig, { client_id: app, fhirServer, user_assertion, ...said }: LaunchRequest): string | undefined {
  if (!ehr.launch_contexts.includes(fhirServer)) return 'this EHR may not create launch contexts for that FHIR server'
  if (ehr.launch_apps && !ehr.launch_apps.includes(app)) return 'this EHR may not launch that app'
  if (user_assertion !== undefined && !ehr.user_assertion_issuers?.length) return 'this EHR may not sign in its users'
  const kinds = ehr.launch_kinds
  const unsaid = kinds && Object.keys(said).filter((kind) => !kinds.includes(kind))
  return unsaid && unsaid.length > 0 ? `this EHR may not say ${unsaid.join(', ')}` : undefined
}

export function launchRoutes({ clients, launches, audit, userStatements, bearerClient }: Deps): Router {
  const router = new Router()
  router.post('/launch', async (ctx) => {
    ctx.set('Cache-Control', 'no-store')
    const asking = await bearerClient(ctx, '__launch_context')
    if ('refused' in asking) {
      const { refused, clientId } = asking
      const reason = refused === 401 ? 'unauthenticated' : 'insufficient-scope'
      return audit.record(sourceOf(ctx), { type: 'launch', outcome: 'refused', reason, ...(clientId ? { ehr: clientId } : {}) })
    }
    const { client: ehr } = asking
    /** `reason` is a fixed text: a description that may repeat what was sent stays out of the trail. */
    const refuse = async (error: string, description: string, status: number, reason = `${error}: ${description}`) => {
      await audit.record(sourceOf(ctx), { type: 'launch', outcome: 'refused', reason, ehr: ehr.client_id })
      ctx.status = status
      ctx.body = { error, error_description: description }
    }
    const request = launchRequest.safeParse(await readJson(ctx))
    if (!request.success) return refuse('invalid_request', describe(request.error), 400, 'invalid_request')
    const denied = beyond(ehr, request.data)
    if (denied) return refuse('access_denied', denied, 403)
    const { client_id: clientId, fhirServer, user, user_assertion: assertion, ...context } = request.data
    const app = await clients.find(clientId)
    if (!app?.grant_types.includes('authorization_code') || app.disabled) {
      return refuse('invalid_request', 'client_id names no app that can be launched', 400)
    }
    const stated = assertion === undefined ? undefined : await userStatements.verify(ehr, assertion, fhirServer)
    if (stated && !stated.ok) return refuse('invalid_request', `user_assertion: ${stated.description}`, 400)
    if (stated && user !== undefined && user !== stated.fhirUser)
      return refuse('invalid_request', 'user is another than the fhirUser of user_assertion', 400)
    const { patient } = context
    const parties = { clientId, fhirServer, ehr: ehr.client_id }
    // Recorded first: no handle is good that the trail does not know of.
    await audit.record(sourceOf(ctx), { type: 'launch', outcome: 'created', ...parties, ...(patient ? { patient } : {}) })
    reached('launch:audited')
    const launch = await launches.create({
      ...parties,
      context: complete(context),
      ...(user ? { user } : {}),
      ...(stated ? { user: stated.fhirUser, statedAt: stated.at } : {})
    })
    reached('launch:created')
    ctx.status = 201
    ctx.body = { launch, expires_in: REDEEM_WITHIN }
  })
  return router
}

/** Where an EHR doesn't say who shows whose record is open, the app has to: one banner too many harms nobody. */
function complete({ fhirContext, ...context }: Omit<LaunchRequest, 'client_id' | 'fhirServer' | 'user' | 'user_assertion'>) {
  return {
    ...(context.patient === undefined ? {} : { need_patient_banner: true }),
    ...context,
    // Nothing to say is not said. SMART: the member is left out.
    ...(fhirContext && fhirContext.length > 0 ? { fhirContext } : {})
  }
}

/** Every mistake on one line, by its member. */
function describe({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; ')
}
