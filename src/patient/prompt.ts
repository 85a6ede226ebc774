/** Am I needed? The patient step is, while an app asks about a patient, or a record of one, and it isn't settled which. */
import { interactionPolicy } from 'oidc-provider'
import { resultsOf } from '../interaction/step.ts'
import { type Authorizations, isContextOpen } from '../smart/authorization.ts'

export function patientPrompt({ authorizations }: { authorizations: Authorizations }): interactionPolicy.Prompt {
  return new interactionPolicy.Prompt(
    { name: 'patient', requestable: false },
    new interactionPolicy.Check('patient_not_settled', 'a patient has to be picked', 'interaction_required', async (ctx) => {
      const accountId = ctx.oidc.session?.accountId
      // A Grant is made only once it is settled: see oidc/existing-grant.ts.
      if (!accountId || !ctx.oidc.params || ctx.oidc.grant?.jti) return false
      const picked = resultsOf(ctx.oidc.result)
      const about = await authorizations.describe({ params: ctx.oidc.params, accountId, picked })
      return about !== undefined && isContextOpen(about)
    })
  )
}
