/** The machine's own Chromium, driven without a window: one for a test file, a context of its own for each person. */
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core'
import { CHROMIUM, findTool } from '../required-tools.ts'

const QUIET = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync']
]

export async function startChromium(): Promise<Browser> {
  const executablePath = findTool(CHROMIUM)
  if (executablePath === undefined) throw new Error(`Chromium is missing: ${CHROMIUM.advice}`)
  return chromium.launch({ executablePath, args: QUIET, headless: true })
}

/** Waits are short: everything runs on this machine. */
export async function newPerson(browser: Browser, options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browser.newContext({ locale: 'en-US', ...options })
  context.setDefaultTimeout(20_000)
  return context
}
