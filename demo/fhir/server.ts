/**
 * A FHIR R4 server of the sample clinic: read and search over the synthetic records that it is given. It
 * knows Keyward only over HTTP, as any other FHIR server would, and shows what
 * such a server has to do with SMART's scopes.
 */
import { createServer } from 'node:http'
import { Router } from '@koa/router'
import Koa from 'koa'
import { answerFaults } from './answers.ts'
import { capabilityStatement } from './capability.ts'
import { crossOrigin } from './cross-origin.ts'
import { discoveryRoutes } from './discovery-routes.ts'
import { createIntrospection, type IntrospectionOptions } from './introspection.ts'
import { FhirError } from './outcome.ts'
import { createRecords, type Resource } from './resource.ts'
import { resourceRoutes } from './resource-routes.ts'

const CLOSING_TIME = 500

export interface FhirServerOptions extends IntrospectionOptions {
  host: string
  port: number
  /** Whose records these are. */
  name: string
  records: Resource[]
  smartConfigurationUrl: string
  /** Absent means any origin. */
  allowOrigins?: string[] | undefined
}

export async function startFhirServer(options: FhirServerOptions): Promise<{ port: number; close(): Promise<void> }> {
  const records = createRecords(options.records)
  const { baseUrl, smartConfigurationUrl } = options
  const routes = new Router({ prefix: new URL(baseUrl).pathname })
  const capabilities = capabilityStatement(records, options)
  routes.use(discoveryRoutes({ smartConfigurationUrl, capabilities }).routes())
  routes.use(resourceRoutes({ records, baseUrl, tokenContext: createIntrospection(options) }).routes())

  const app = new Koa()
  app.use(crossOrigin(options.allowOrigins))
  app.use(answerFaults())
  app.use(routes.routes())
  app.use(() => {
    throw new FhirError(404, 'not-supported', 'This server has nothing at that address')
  })

  const server = createServer(app.callback())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        // Browsers open connections that they may never use; answers under way get their time.
        setTimeout(() => server.closeAllConnections(), CLOSING_TIME).unref()
      })
  }
}
