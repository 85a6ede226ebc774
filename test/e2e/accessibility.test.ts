/** axe-core on every template in every state: on a phone and on a desk, light and dark, folded and unfolded. */
import { readdirSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LANGUAGES, PARTS, templateStates, VIEWS } from '../harness/template-states.ts'
import { findings, scrollsSideways } from './axe.ts'
import { newPerson, startChromium } from './chromium.ts'
import { serveTemplates, type TemplatePage } from './template-pages.ts'

const PHONE = { width: 360, height: 800 }
const DESK = { width: 1280, height: 900 }
const NARROWEST = { width: 320, height: 640 }
const TEMPLATES = readdirSync(VIEWS).flatMap((name) => /^(.+)\.eta$/.exec(name)?.[1] ?? [])

let browser: Browser
beforeAll(async () => {
  browser = await startChromium()
})
afterAll(() => browser.close())

async function visit(language: string): Promise<{ page: Page; pages: TemplatePage[]; close(): Promise<void> }> {
  const context = await newPerson(browser)
  const pages = await serveTemplates(context, templateStates(language), language)
  return { page: await context.newPage(), pages, close: () => context.close() }
}

test('every template of views/ is visited, by itself or as a part of a page', () => {
  const visited = new Set([...templateStates().map(({ template }) => template), ...PARTS])
  expect(TEMPLATES.filter((name) => !visited.has(name))).toEqual([])
  expect([...visited].filter((name) => !TEMPLATES.includes(name))).toEqual([])
})

describe.each(TEMPLATES.filter((name) => !PARTS.includes(name)))('views/%s.eta', (template) => {
  test('axe finds nothing in any state, at 360 and 1280 px, light and dark, and nothing is wider than 320 px', async () => {
    const { page, pages, close } = await visit('en')
    const found: Record<string, string[]> = {}
    for (const { url, name } of pages.filter((one) => one.template === template)) {
      await page.goto(url)
      for (const [size, colorScheme, fold] of [
        [PHONE, 'light', 'as sent'],
        [DESK, 'light', 'as sent'],
        [DESK, 'dark', 'as sent'],
        [PHONE, 'dark', 'as sent'],
        [PHONE, 'dark', 'unfolded'],
        [DESK, 'light', 'unfolded']
      ] as const) {
        if (fold === 'unfolded' && (await unfold(page)) === 0) continue
        await page.setViewportSize(size)
        await page.emulateMedia({ colorScheme })
        const problems = await findings(page)
        if (problems.length > 0) found[`${name}, ${size.width} px, ${colorScheme}, ${fold}`] = problems
      }
      const wide = await tooWide(page)
      if (wide.length > 0) found[`${name}, folded or not`] = wide
    }
    await close()
    expect(found).toEqual({})
  })
})

test.each(LANGUAGES.filter((language) => language !== 'en'))(
  'no page in the language %s is wider than a phone',
  async (language) => {
    const { page, pages, close } = await visit(language)
    const found: Record<string, string[]> = {}
    for (const { url, template, name } of pages) {
      await page.goto(url)
      const wide = await tooWide(page)
      if (wide.length > 0) found[`${template}, ${name}`] = wide
    }
    await close()
    expect(found).toEqual({})
  }
)

/** At which of the small widths something is cut off; leaves the page unfolded. */
async function tooWide(page: Page): Promise<string[]> {
  await unfold(page)
  const wide: string[] = []
  for (const size of [PHONE, NARROWEST]) {
    await page.setViewportSize(size)
    if (await scrollsSideways(page)) wide.push(`scrolls sideways at ${size.width} px`)
  }
  return wide
}

/** Opens whatever the page folds away, and says how much that was. */
function unfold(page: Page): Promise<number> {
  return page.evaluate(
    "const all = [...document.querySelectorAll('details')]; for (const one of all) one.open = true; all.length"
  )
}
