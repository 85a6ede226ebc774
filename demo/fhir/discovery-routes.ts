/** What an app reads before it has a token: where to get one, and what this server can do. */
import { Router } from '@koa/router'
import { answer } from './answers.ts'
import { FhirError } from './outcome.ts'

interface Deps {
  /** Keyward's document about this FHIR server, passed through as it stands. */
  smartConfigurationUrl: string
  capabilities: object
}

const PATIENCE = 5_000

export function discoveryRoutes({ smartConfigurationUrl, capabilities }: Deps): Router {
  const router = new Router()
  router.get('/metadata', (ctx) => answer(ctx, 200, capabilities))
  router.get('/.well-known/smart-configuration', async (ctx) => {
    ctx.body = await fetchDocument(smartConfigurationUrl)
    ctx.set('Content-Type', 'application/json')
  })
  return router
}

async function fetchDocument(url: string): Promise<string> {
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(PATIENCE) })
    if (response.ok) return await response.text()
    await response.body?.cancel()
  } catch {
    // Answered below, like every other way of not getting the document.
  }
  throw new FhirError(503, 'transient', 'The authorization server does not answer', { 'Retry-After': '5' })
}
