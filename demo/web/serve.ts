/** A very small HTTP server for the demo's pages: exact paths, one answer each, strict headers. Not for anything else. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface Answer {
  status: number
  headers?: Record<string, string>
  body: string | Uint8Array
}

export interface PageRequest {
  url: URL
  form(): Promise<URLSearchParams>
  cookie(name: string): string | undefined
}

/** Keys are 'GET /path' and 'POST /path'. */
export type Routes = Record<string, (request: PageRequest) => Answer | Promise<Answer>>

export interface DemoServer {
  close(): Promise<void>
}

interface ServeOptions {
  host: string
  port: number
  routes: Routes
  /** What pages may reach beside their own origin: CSP source lists. */
  connect?: string[]
  formTargets?: string[]
  frames?: string[]
  /** Whose pages may show these in a frame. */
  embeddedBy?: string[]
}

const largestForm = 8192

export async function serve(options: ServeOptions): Promise<DemoServer> {
  const { host, port, routes, connect = [], formTargets = [], frames = [], embeddedBy = [] } = options
  const sources = (list: string[]) => (list.length > 0 ? list.join(' ') : "'none'")
  const headers = {
    'content-security-policy': [
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'",
      `connect-src ${["'self'", ...connect].join(' ')}`,
      `form-action ${["'self'", ...formTargets].join(' ')}`,
      `frame-src ${sources(frames)}`,
      `frame-ancestors ${sources(embeddedBy)}`
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store'
  }
  const ownHosts = [`localhost:${port}`, `127.0.0.1:${port}`]

  async function answerTo(request: IncomingMessage): Promise<Answer> {
    // A foreign name that points at this machine must not reach these pages (DNS rebinding).
    if (!ownHosts.includes(request.headers.host ?? '')) return text(421, 'This server does not answer for that host name.')
    if (request.method === 'POST' && !isFromOwnPage(request)) return text(403, 'This form was sent from another site.')
    const url = new URL(request.url ?? '/', `http://${ownHosts[0]}`)
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const route = routes[`${method} ${url.pathname}`]
    if (!route) return text(404, 'There is no such page.')
    return route({ url, form: () => readForm(request), cookie: (name) => readCookie(request, name) })
  }

  const server = createServer((request, response) => {
    answerTo(request).then(
      (answer) => send(response, { ...answer, headers: { ...headers, ...answer.headers } }),
      (fault: unknown) => {
        console.error(fault)
        send(response, { ...text(500, 'Something went wrong in the demo. The terminal shows more.'), headers })
      }
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

export function text(status: number, body: string, type = 'text/plain'): Answer {
  return { status, headers: { 'content-type': `${type}; charset=utf-8` }, body }
}

/** For programs, and for pages of any origin. */
export function json(value: unknown): Answer {
  return {
    ...text(200, JSON.stringify(value), 'application/json'),
    headers: { 'content-type': 'application/json', 'access-control-allow-origin': '*' }
  }
}

export function redirect(location: string): Answer {
  return { status: 303, headers: { location }, body: '' }
}

function isFromOwnPage(request: IncomingMessage): boolean {
  const site = request.headers['sec-fetch-site']
  return site === undefined || site === 'same-origin' || site === 'none'
}

function readCookie(request: IncomingMessage, name: string): string | undefined {
  const pairs = (request.headers.cookie ?? '').split('; ')
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk
    if (body.length > largestForm) throw new Error('The form is too large.')
  }
  return new URLSearchParams(body)
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers)
  response.end(body)
}
