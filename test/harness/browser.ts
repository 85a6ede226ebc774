/**
 * A browser as far as Keyward's pages need one: cookies with their paths, forms,
 * redirects followed one by one, no JavaScript. It stops where a redirect leaves
 * Keyward, as the app's redirect_uri does.
 */
import { noteSecret } from './run-folder.ts'

export interface Page {
  url: string
  status: number
  headers: Headers
  html: string
  /** The name of the step that the page belongs to; '' elsewhere. */
  step: string
}

interface Cookie {
  name: string
  value: string
  path: string
}

export interface Form {
  action: string
  hidden: Record<string, string>
  checkboxes: { name: string; value: string; checked: boolean }[]
  radios: { name: string; value: string; checked: boolean }[]
}

export interface Browser {
  page: Page
  /** Follows redirects until a page, or until a Location that leaves Keyward: that is returned as url with status 303. */
  open(url: string, headers?: Record<string, string>): Promise<Page>
  /** Sends the form of the current page, with its hidden fields, its ticks as they stand, and these. */
  submit(fields: Record<string, string | string[]>, headers?: Record<string, string>): Promise<Page>
  /** One request, nothing followed. */
  send(url: string, init?: RequestInit): Promise<Response>
  form(index?: number): Form
  cookies: Cookie[]
}

export function newBrowser(origin: string): Browser {
  const cookies: Cookie[] = []

  function cookieHeader(url: string): string {
    const { pathname } = new URL(url)
    return cookies
      .filter(({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  function keep(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(/; */)
      const at = pair.indexOf('=')
      const name = pair.slice(0, at)
      const value = pair.slice(at + 1)
      const path = attributes.find((one) => one.toLowerCase().startsWith('path='))?.slice(5) ?? '/'
      const expires = attributes.find((one) => one.toLowerCase().startsWith('expires='))?.slice(8)
      const index = cookies.findIndex((one) => one.name === name && one.path === path)
      if (index >= 0) cookies.splice(index, 1)
      if (expires === undefined || Date.parse(expires) > Date.now()) cookies.push({ name, value, path })
      noteSecret('cookie', value)
    }
  }

  async function send(url: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    const sent = cookieHeader(url)
    if (sent) headers.set('Cookie', sent)
    if (!headers.has('Accept')) headers.set('Accept', 'text/html')
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    keep(response)
    return response
  }

  async function follow(first: Response, url: string): Promise<Page> {
    let response = first
    let at = url
    for (let hops = 0; hops < 20; hops++) {
      const location = response.headers.get('Location')
      if (response.status < 300 || response.status > 399 || location === null) break
      await response.arrayBuffer()
      at = new URL(location, at).href
      if (new URL(at).origin !== origin)
        return remember({ url: at, status: response.status, headers: response.headers, html: '', step: '' })
      response = await send(at)
    }
    const step = /\/interaction\/[^/]+\/(\w+)/.exec(at)?.[1] ?? ''
    return remember({ url: at, status: response.status, headers: response.headers, html: await response.text(), step })
  }

  function remember(page: Page): Page {
    // As the page of a new second factor shows it, in groups of four.
    for (const [key] of page.html.matchAll(/\b(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}\b/g)) noteSecret('TOTP key', key.replaceAll(' ', ''))
    browser.page = page
    return page
  }

  const browser: Browser = {
    page: { url: '', status: 0, headers: new Headers(), html: '', step: '' },
    cookies,
    send,
    form: (index = 0) => formOf(browser.page, index),
    open: async (url, headers = {}) => follow(await send(url, { headers }), url),
    async submit(fields, headers = {}) {
      const form = formOf(browser.page, 0)
      const body = new URLSearchParams(form.hidden)
      for (const { name, value, checked } of [...form.checkboxes, ...form.radios]) {
        if (checked && !(name in fields)) body.append(name, value)
      }
      for (const [name, value] of Object.entries(fields)) {
        if (Array.isArray(value)) for (const one of value) body.append(name, one)
        else body.set(name, value)
      }
      const sent = { Origin: origin, 'Sec-Fetch-Site': 'same-origin', ...headers }
      return follow(await send(form.action, { method: 'POST', body, headers: sent }), form.action)
    }
  }
  return browser
}

function formOf(page: Page, index: number): Form {
  const form = [...page.html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)][index]
  if (!form)
    throw new Error(
      `no form on ${page.url} (${page.status}): ${page.html
        .replace(/<[^>]*>/g, ' ')
        .replace(/\s+/g, ' ')
        .slice(0, 500)}`
    )
  const action = attribute(form[1] ?? '', 'action')
  const inputs = [...(form[2] ?? '').matchAll(/<input\b([^>]*)>/g)].map(([, attributes = '']) => ({
    type: attribute(attributes, 'type') ?? 'text',
    name: attribute(attributes, 'name') ?? '',
    value: attribute(attributes, 'value') ?? 'on',
    checked: /\schecked(\s|=|$)/.test(attributes)
  }))
  const named = (type: string) => inputs.filter((input) => input.type === type)
  return {
    action: action ? new URL(action, page.url).href : page.url,
    hidden: Object.fromEntries(named('hidden').map(({ name, value }) => [name, value])),
    checkboxes: named('checkbox'),
    radios: named('radio')
  }
}

function attribute(attributes: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1]
  return value
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
