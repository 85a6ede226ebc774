/**
 * Whoever opens /authorize has a record stored for them before they have said who they are. So many may come from one
 * address until somebody there signs in; from then on they are refused, and nothing is stored. A browser in which
 * somebody is signed in already is not limited.
 */
import Provider, { type Adapter, type AdapterFactory, type AdapterPayload } from 'oidc-provider'
import { PageError } from '../web/page-error.ts'
import { limitKeyOf, sourceOf } from '../web/request.ts'
import type { SharedLimit } from '../web/shared-limit.ts'

export function limitAnonymous(adapters: AdapterFactory, limit: SharedLimit): AdapterFactory {
  return (model) => {
    const adapter = adapters(model)
    return model === 'Interaction' ? limited(adapter, limit) : adapter
  }
}

function limited(adapter: Adapter, limit: SharedLimit): Adapter {
  return {
    ...adapter,
    async upsert(id, payload, expiresIn) {
      const ctx = Provider.ctx
      // Later steps store it again, on their own routes.
      if (ctx?.oidc.route === 'authorization' && isAnonymous(payload)) {
        const taken = await limit.take(limitKeyOf(sourceOf(ctx).address))
        if (!taken.ok) throw new PageError(429, 'too-many', { retryAfter: taken.retryAfter })
      }
      await adapter.upsert(id, payload, expiresIn)
    }
  }
}

const isAnonymous = ({ session }: AdapterPayload): boolean => session?.accountId === undefined
