/** A real server with the middlewares of src/web in the order that the app uses, over a folder of small templates. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context, Middleware } from 'koa'
import Koa from 'koa'
import { createLogger } from '../../../src/observability/logger.ts'
import { csrf } from '../../../src/web/csrf.ts'
import { errorPages } from '../../../src/web/errors.ts'
import { createHttpServer, type DrainTimes, drainable } from '../../../src/web/http-server.ts'
import { limits } from '../../../src/web/limits.ts'
import { pages } from '../../../src/web/render.ts'
import { requestContext } from '../../../src/web/request.ts'
import { requestLog } from '../../../src/web/request-log.ts'
import { securityHeaders } from '../../../src/web/security-headers.ts'

export const organization = { name: 'Sample <Clinic>', supportPhone: '+1 555 0100', accentColor: '#0b6e6e' }

const REASONS = [
  'bad-request',
  'forbidden',
  'not-found',
  'method',
  'too-large',
  'address-too-long',
  'unsupported-type',
  'unavailable',
  'internal',
  'csrf',
  'form',
  'host'
]

export function writeViews(): { viewsDir: string; remove: () => void } {
  const viewsDir = mkdtempSync(join(tmpdir(), 'views-'))
  mkdirSync(join(viewsDir, 'locales'))
  const write = (name: string, text: string) => writeFileSync(join(viewsDir, name), text)
  const errors = Object.fromEntries(
    REASONS.map((reason) => [reason, { heading: `Heading ${reason}`, sentence: 'What happened.', next: 'What to do.' }])
  )
  write('locales/en.json', JSON.stringify({ hello: 'Hello {{name}}', only: 'English only', errors }))
  write('locales/es.json', JSON.stringify({ hello: 'Hola {{name}}', errors }))
  write(
    'layout.eta',
    '<html lang="<%= it.lang %>"><title><%= it.title %> - <%= it.organization.name %></title><%~ it.body %></html>'
  )
  write(
    'error.eta',
    "<% layout('./layout', { title: it.heading }) %><h1><%= it.heading %></h1><p><%= it.sentence %> <%= it.nextStep %></p><code><%= it.id %></code>"
  )
  write(
    'hello.eta',
    "<% layout('./layout', { title: 'Hello' }) %><p><%= it.t('hello', { name: it.name }) %></p><%~ include('./part', { inner: 1 }) %>"
  )
  write('part.eta', '<b><%= it.inner %></b>')
  write('form.eta', '<form method="post"><input name="csrf" value="<%= it.csrf %>"></form>')
  write('missing.eta', '<%= it.absent %>')
  write('missing-in-part.eta', "<%~ include('./reads-absent', { inner: 1 }) %>")
  write('reads-absent.eta', '<%= it.absent %>')
  write('missing-text.eta', "<%= it.t('only') %>")
  write('missing-variable.eta', "<%= it.t('hello', {}) %>")
  write('style.css', 'body { color: black }')
  write('theme.css.eta', ':root { --brand: <%= it.organization.accentColor %>; }')
  return { viewsDir, remove: () => rmSync(viewsDir, { recursive: true }) }
}

export interface Served {
  url: string
  port: number
  issuer: string
  log: string[]
  refused: string[]
  drain: (times: DrainTimes) => Promise<boolean>
  close: () => Promise<void>
}

interface Options {
  trustedProxies?: string[]
  /** Where it is not the server's own address. */
  issuer?: string
  /** Goes between csrf and the 404 page. */
  routes?: Middleware[]
  /** Goes before the limits. */
  before?: Middleware[]
}

export async function serve(options: Options = {}): Promise<Served> {
  const views = writeViews()
  const log: string[] = []
  const refused: string[] = []
  const logger = createLogger({ level: 'debug', destination: { write: (line: string) => log.push(line) } })
  const app = new Koa()
  app.on('error', () => undefined)
  const server = createHttpServer((req, res) => void listener(req, res))
  const { drain } = drainable(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const url = `http://127.0.0.1:${address.port}`
  const issuer = options.issuer ?? url
  const onRefused = async (_ctx: Context, reason: string) => {
    refused.push(reason)
  }

  app.use(securityHeaders())
  app.use(requestContext({ trustedProxies: options.trustedProxies ?? [] }))
  app.use(requestLog({ logger, maskedAfter: ['interaction'], quiet: ['/livez'], now: Date.now }))
  app.use(pages({ viewsDir: views.viewsDir, organization, issuer }))
  app.use(errorPages({ logger }))
  for (const middleware of options.before ?? []) app.use(middleware)
  app.use(limits({ issuer, onRefused }))
  app.use(csrf({ cookieKeys: ['current', 'previous'], issuer, paths: ['/interaction', '/account'], onRefused }))
  for (const middleware of options.routes ?? []) app.use(middleware)
  const listener = app.callback()

  return {
    url,
    port: address.port,
    issuer,
    log,
    refused,
    drain,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      views.remove()
    }
  }
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

/** Asks as it is told to: fetch would refuse to send Host, Origin, Sec-Fetch-Site or a false length. */
export function ask(
  served: { port: number },
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {}
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port: served.port,
      path,
      method: options.method ?? 'GET',
      headers: options.headers ?? {},
      agent: false
    })
    asked.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() })
      )
      response.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(options.body)
  })
}

export const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' }
export const BROWSER = { Accept: 'text/html,application/xhtml+xml' }

export const answerOk: Middleware = async (ctx) => {
  ctx.body = 'ok'
}
