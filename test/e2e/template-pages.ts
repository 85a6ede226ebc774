/** Gives a browser the pages of test/harness/template-states.ts as Keyward would send them: same paths, styles and headers. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContext } from 'playwright-core'
import { createPrinter } from '../../src/web/render.ts'
import { ORGANIZATION, renderState, type TemplateState, VIEWS } from '../harness/template-states.ts'

const ORIGIN = 'https://login.example.org'
const POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'"

export interface TemplatePage extends TemplateState {
  url: string
}

/** No request of such a browser leaves it. */
export async function serveTemplates(
  context: BrowserContext,
  states: readonly TemplateState[],
  language = 'en'
): Promise<TemplatePage[]> {
  const theme = createPrinter(VIEWS)('theme.css.eta', { organization: ORGANIZATION })
  await context.route('**', (route) => {
    const { origin, pathname } = new URL(route.request().url())
    const state = states[Number(/^\/state\/(\d+)$/.exec(pathname)?.[1])]
    if (origin !== ORIGIN) return route.abort()
    if (state) {
      const headers = { 'Content-Security-Policy': POLICY }
      return route.fulfill({ contentType: 'text/html; charset=utf-8', headers, body: renderState(state, language) })
    }
    if (pathname === '/theme.css') return route.fulfill({ contentType: 'text/css', body: theme })
    if (/^\/[a-z]+\.css$/.test(pathname)) {
      return route.fulfill({ contentType: 'text/css', body: readFileSync(join(VIEWS, pathname), 'utf8') })
    }
    return route.fulfill({ status: 404, body: '' })
  })
  return states.map((state, at) => ({ ...state, url: `${ORIGIN}/state/${at}` }))
}
