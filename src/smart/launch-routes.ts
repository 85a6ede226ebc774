/**
 * Where an EHR says which patient and visit its user has open, and gets the
 * handle with which it launches an app. The EHR is a registered client that was
 * given FHIR servers to speak for (`launch_contexts`).
 */
import Router from '@koa/router'
import { z } from 'zod'
import type { AuditTrail } from '../audit/trail.ts'
import { answerUnauthenticated, basicAuthenticator } from '../clients/authenticate.ts'
import type { Clients } from '../clients/clients.ts'
import { fhirId, fhirUserReference } from '../config/fields.ts'
import { reached } from '../observability/steps.ts'
import { readJson } from '../web/body.ts'
import { sourceOf } from '../web/request.ts'
import { type Launches, REDEEM_WITHIN } from './launch.ts'

interface Deps {
  clients: Clients
  launches: Launches
  audit: AuditTrail
}

const launchRequest = z.strictObject({
  client_id: z.string().min(1).max(200),
  fhirServer: z.string().min(1).max(64),
  patient: fhirId.optional(),
  encounter: fhirId.optional(),
  user: fhirUserReference.optional()
})

export function launchRoutes({ clients, launches, audit }: Deps): Router {
  const router = new Router()
  const authenticate = basicAuthenticator(clients)
  router.post('/launch', async (ctx) => {
    ctx.set('Cache-Control', 'no-store')
    const ehr = await authenticate(ctx.get('Authorization'))
    if (!ehr) {
      await audit.record(sourceOf(ctx), { type: 'launch', outcome: 'refused', reason: 'unauthenticated' })
      return answerUnauthenticated(ctx, 'the EHR must authenticate by HTTP Basic')
    }
    const refuse = async (error: string, description: string, status: number): Promise<void> => {
      await audit.record(sourceOf(ctx), { type: 'launch', outcome: 'refused', reason: error, ehr: ehr.client_id })
      ctx.status = status
      ctx.body = { error, error_description: description }
    }
    const request = launchRequest.safeParse(await readJson(ctx))
    if (!request.success) return refuse('invalid_request', describe(request.error), 400)
    const { client_id: clientId, fhirServer, patient, encounter, user } = request.data
    if (!ehr.launch_contexts.includes(fhirServer)) {
      return refuse('access_denied', 'this EHR may not create launch contexts for that FHIR server', 403)
    }
    const app = await clients.find(clientId)
    if (!app?.grant_types.includes('authorization_code') || app.disabled) {
      return refuse('invalid_request', 'client_id names no app that can be launched', 400)
    }
    const parties = { clientId, fhirServer, ehr: ehr.client_id, ...(patient ? { patient } : {}) }
    const launch = await launches.create({
      ...parties,
      ...(encounter ? { encounter } : {}),
      ...(user ? { user } : {})
    })
    reached('launch:created')
    await audit.record(sourceOf(ctx), { type: 'launch', outcome: 'created', ...parties })
    reached('launch:audited')
    ctx.status = 201
    ctx.body = { launch, expires_in: REDEEM_WITHIN }
  })
  return router
}

/** Every mistake on one line, by its member. */
function describe({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; ')
}
