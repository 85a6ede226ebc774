/** axe-core on the page that a browser shows, and on what it holds in frames: every rule, none disabled. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The page asks its frames for their findings, of whatever origin they are. */
const installed = `${source}; axe.configure({ allowedOrigins: ['<unsafe_all_origins>'] })`

interface Finding {
  id: string
  help: string
  nodes: { html: string }[]
}

/** What it finds and what it can't decide, a line for each; [] where there is neither. */
export async function findings(page: Page): Promise<string[]> {
  for (const frame of page.frames()) if (!(await frame.evaluate('"axe" in window'))) await frame.evaluate(installed)
  const found: Finding[] = await page.evaluate('axe.run(document).then((run) => [...run.violations, ...run.incomplete])')
  return found.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 200)}`))
}

/** True where something is wider than the window. */
export function scrollsSideways(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')
}
