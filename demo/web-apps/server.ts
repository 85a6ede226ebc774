/**
 * Two sample apps whose server keeps their tokens: My Visits proves itself with a secret, My Care Plan with a key that it
 * publishes. Beside that they are the same program.
 */
import { byKey, bySecret, type Credentials } from '../oauth/credentials.ts'
import { newKey } from '../oauth/key.ts'
import { RequestRefused } from '../oauth/requests.ts'
import type { WebApp } from '../parties.ts'
import { styleRoutes } from '../web/page.ts'
import { type Answer, type DemoServer, json, type PageRequest, type Routes, redirect, serve } from '../web/serve.ts'
import { type Connected, createConnection, type Pending } from './connection.ts'
import { connectedPage, connectPage, type Look, problemPage } from './pages.ts'
import { carePlanViews, nameOf, rowsOf, type View, visitViews } from './records.ts'
import { createSessions } from './sessions.ts'

interface WebAppsOptions {
  host: string
  port: number
  issuer: string
  fhirBaseUrl: string
  visits: WebApp
  carePlan: WebApp & { jwksPath: string }
}

export function startWebApps({ host, port, issuer, fhirBaseUrl, visits, carePlan }: WebAppsOptions): Promise<DemoServer> {
  const key = newKey()
  const secret = bySecret(visits.clientId, visits.clientSecret ?? '')
  const common = { issuer, fhirBaseUrl }
  return serve({
    host,
    port,
    routes: {
      ...styleRoutes,
      [`GET ${carePlan.jwksPath}`]: () => json({ keys: [key.publicJwk] }),
      ...routesOf({
        ...common,
        app: visits,
        views: visitViews,
        credentials: secret,
        proof: 'a secret, which only its server knows'
      }),
      ...routesOf({
        ...common,
        app: carePlan,
        views: carePlanViews,
        credentials: byKey(carePlan.clientId, key),
        proof: 'a key of its own, of which Keyward fetches the public half'
      })
    }
  })
}

interface AppDeps {
  app: WebApp
  views: View[]
  credentials: Credentials
  /** With what the app proves itself, in words. */
  proof: string
  issuer: string
  fhirBaseUrl: string
}

type Session = { pending: Pending } | { connected: Connected }

function routesOf({ app, views, credentials, proof, issuer, fhirBaseUrl }: AppDeps): Routes {
  const connection = createConnection({ app, fhirBaseUrl, credentials })
  const start = new URL('.', app.redirectUri).pathname
  const cookieName = `${app.clientId}-session`
  const sessions = createSessions<Session>({ cookieName, path: start })
  const look: Look = { name: app.name, start, proof, account: `${issuer}/account` }
  const pendingIn = (request: PageRequest): Pending | undefined => {
    const session = sessions.find(request.cookie(cookieName))
    return session && 'pending' in session ? session.pending : undefined
  }
  const connectedIn = (request: PageRequest): { id: string; connected: Connected } | undefined => {
    const id = request.cookie(cookieName)
    const session = sessions.find(id)
    return id !== undefined && session && 'connected' in session ? { id, connected: session.connected } : undefined
  }

  async function show(connected: Connected, said?: string): Promise<Answer> {
    const { patient } = connected
    const name = nameOf(await connection.read(`Patient/${patient}`, connected))
    const tables = await Promise.all(
      views.map(async (view) => ({ view, rows: rowsOf(view, await connection.read(view.search(patient), connected)) }))
    )
    const fhirUser = connected.fhirUser.replace(`${fhirBaseUrl}/`, '')
    return connectedPage(look, { ...connected, fhirUser, name, tables, said })
  }

  async function renewed({ id, connected }: { id: string; connected: Connected }): Promise<Connected> {
    const next = await connection.renew(connected)
    sessions.set(id, { connected: next })
    return next
  }

  return {
    [`GET ${start}`]: async (request) => {
      const session = connectedIn(request)
      if (!session) return connectPage(look)
      try {
        // An access token is short: where it has ended, a new one is had without asking anybody.
        return await show(session.connected).catch(async (fault: unknown) => {
          if (!(fault instanceof RequestRefused && fault.status === 401)) throw fault
          return show(await renewed(session))
        })
      } catch (fault) {
        return problemPage(look, ended(fault))
      }
    },
    [`GET ${start}connect`]: async (request) => {
      try {
        const { address, pending } = await connection.begin()
        const cookie = sessions.start(request.cookie(cookieName), { pending })
        return { ...redirect(address), headers: { location: address, 'set-cookie': cookie } }
      } catch (fault) {
        return problemPage(look, `Your clinic could not be reached: ${wordsOf(fault)}`)
      }
    },
    [`GET ${new URL(app.redirectUri).pathname}`]: async (request) => {
      const pending = pendingIn(request)
      if (!pending) return problemPage(look, 'This app was not waiting for an answer.')
      const before = request.cookie(cookieName)
      sessions.end(before)
      try {
        const cookie = sessions.start(before, { connected: await connection.finish(request.url.searchParams, pending) })
        return { ...redirect(start), headers: { location: start, 'set-cookie': cookie } }
      } catch (fault) {
        return problemPage(look, wordsOf(fault))
      }
    },
    [`POST ${start}renew`]: async (request) => {
      const session = connectedIn(request)
      if (!session) return redirect(start)
      try {
        return await show(await renewed(session), 'Access was renewed, for the same patient.')
      } catch (fault) {
        return problemPage(look, ended(fault))
      }
    },
    [`POST ${start}disconnect`]: async (request) => {
      const session = connectedIn(request)
      sessions.end(session?.id)
      try {
        if (session) await connection.end(session.connected)
        return redirect(start)
      } catch (fault) {
        return problemPage(look, `${look.name} has forgotten its access, but could not give it back: ${wordsOf(fault)}`)
      }
    }
  }
}

function ended(fault: unknown): string {
  const isRefused = fault instanceof RequestRefused && [400, 401].includes(fault.status)
  return isRefused ? 'Your clinic no longer lets this app in. Access was stopped, or has run out.' : wordsOf(fault)
}

function wordsOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : 'unknown fault'
}
