/** A person's way through the pages, answer by answer: each form's own answer is what a test looks at, redirects are followed apart. */
import { type AppClient, newApp } from './app-client.ts'
import { type Browser, newBrowser } from './browser.ts'

export interface Walk {
  app: AppClient
  browser: Browser
  /** Opens an authorization request, up to the first page. */
  start(params?: Record<string, string | undefined>): Promise<void>
  /** Sends the form of the page, boxes as they stand, and gives its own answer. */
  send(fields: Record<string, string>, options?: { follow?: boolean; form?: string }): Promise<Response>
  /** The answer of the address to which the last form led, where it was not followed. */
  resume(): Promise<Response>
}

export function newWalk(issuer: string): Walk {
  const app = newApp(issuer)
  const browser = newBrowser(issuer)
  let next = ''
  return {
    app,
    browser,
    async start(params) {
      await browser.open(app.authorizationUrl(params))
    },
    async send(fields, { follow = true, form: name = '' } = {}) {
      const { action, hidden, checkboxes } = formNamed(browser, name)
      const body = new URLSearchParams({ ...hidden, ...fields })
      for (const box of checkboxes) if (box.checked) body.append(box.name, box.value)
      const answer = await browser.send(action, { method: 'POST', body, headers: { Origin: issuer } })
      next = new URL(answer.headers.get('location') ?? action, action).href
      if (follow && answer.status === 303) await browser.open(next)
      return answer
    },
    resume: () => browser.send(next)
  }
}

/** Somebody else, in a browser of their own, who has sent the first page. */
export async function atStep(issuer: string, fields: Record<string, string>): Promise<Walk> {
  const walk = newWalk(issuer)
  await walk.start()
  await walk.send(fields)
  return walk
}

function formNamed(browser: Browser, name: string): ReturnType<Browser['form']> {
  for (let index = 0; ; index++) {
    const form = browser.form(index)
    if (form.action.endsWith(name)) return form
  }
}
