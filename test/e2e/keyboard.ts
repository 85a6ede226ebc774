/** Where the focus of a page is, and where Tab takes it. */
import type { Page } from 'playwright-core'

export interface Focus {
  /** Which element of the document it is. */
  at: number
  /** As a screen reader begins to say it: label, else text. */
  name: string
  /** It has an outline that is wide enough to be seen. */
  marked: boolean
  inView: boolean
}

const DESCRIBE = `(() => {
  const element = document.activeElement
  if (element === null || element === document.body) return null
  const style = getComputedStyle(element)
  const box = element.getBoundingClientRect()
  const labelledBy = (element.getAttribute('aria-labelledby') ?? '').split(' ').filter(Boolean)
  const said = labelledBy.length > 0
    ? labelledBy.map((id) => document.getElementById(id)?.textContent).join(' ')
    : (element.labels?.[0] ?? element).textContent
  return {
    at: [...document.querySelectorAll('*')].indexOf(element),
    name: said.trim().replace(/\\s+/g, ' '),
    marked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    inView: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth
  }
})()`

const MOST_STOPS = 300

/** Undefined where nothing of the page has it. */
export async function focusOn(page: Page): Promise<Focus | undefined> {
  const focus: Focus | null = await page.evaluate(DESCRIBE)
  return focus ?? undefined
}

/** Presses Tab until the focus is on what begins with these words. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < MOST_STOPS; presses++) {
    await page.keyboard.press('Tab')
    if ((await focusOn(page))?.name.startsWith(name)) return
  }
  throw new Error(`Tab does not come to ${JSON.stringify(name)}`)
}

/** Every stop from one end of a page, where nothing has the focus, to the other. Throws where the focus does not get out. */
export async function tabStops(page: Page, key: 'Tab' | 'Shift+Tab'): Promise<Focus[]> {
  const stops: Focus[] = []
  while (stops.length < MOST_STOPS) {
    await page.keyboard.press(key)
    const focus = await focusOn(page)
    // A browser without a window has no controls of its own that would get the focus between two rounds.
    if (focus === undefined || focus.at === stops[0]?.at) return stops
    stops.push(focus)
  }
  throw new Error(`${key} never leaves the page: ${stops.slice(-3).map(({ name }) => name)}`)
}
