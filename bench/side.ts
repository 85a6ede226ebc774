/** One of the two that are compared, and how its people sign in. */
import { newBrowser } from '../test/harness/browser.ts'
import { authorizationPath, PASSWORD, usernameOf } from './clinic.ts'
import type { Seeds } from './seeds.ts'
import type { Server } from './servers.ts'

export interface Side {
  readonly name: 'keyward' | 'stock'
  server: Server
  readonly seeds: Seeds
  readonly paths: { authorize: string; token: string; introspect: string; jwks: string }
  restart(nodeOptions?: string[]): Promise<void>
  stop(): Promise<void>
}

/** Walks the pages of either server until the app has its code; returns what the browser then sends as its cookies. */
export async function signIn(
  { paths, port }: { paths: Pick<Side['paths'], 'authorize'>; port: number },
  person: number
): Promise<string> {
  const origin = `http://localhost:${port}`
  const browser = newBrowser(origin)
  let page = await browser.open(`${origin}${authorizationPath(paths.authorize)}`)
  for (let steps = 0; steps < 4 && page.html !== ''; steps++) {
    if (page.html.includes('name="username"')) page = await browser.submit({ username: usernameOf(person), password: PASSWORD })
    else if (page.html.includes('name="login"')) page = await browser.submit({ login: usernameOf(person), password: PASSWORD })
    else if (page.html.includes('name="decision"')) page = await browser.submit({ decision: 'allow' })
    else page = await browser.submit({})
  }
  if (!new URL(page.url).searchParams.has('code'))
    throw new Error(`no code: ${page.status} ${page.url} ${page.html.slice(0, 500)}`)
  return browser.cookies
    .filter(({ path }) => path === '/')
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ')
}
