/** HTML for the demo's pages: a template tag that escapes, and the frame that all pages have. */
import { readFile } from 'node:fs/promises'
import { type Answer, type Routes, text } from './serve.ts'

/** Markup that is safe to send: only `html` makes it. */
export class Markup {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
}

type Part = string | number | Markup | Part[]

export function html(pieces: TemplateStringsArray, ...parts: Part[]): Markup {
  return new Markup(String.raw({ raw: pieces }, ...parts.map(print)))
}

function print(part: Part): string {
  if (Array.isArray(part)) return part.map(print).join('')
  return part instanceof Markup ? part.source : escaped(String(part))
}

function escaped(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

interface Page {
  title: string
  /** The name in the page's head, which tells the clinic's pages from the app's, also where one holds the other. */
  site: string
  /** Picks the accent colour in style.css. */
  look: 'clinic' | 'ehr' | 'app'
  body: Markup
  /** Packages that set a global, before our own modules. */
  packages?: string[]
  modules?: string[]
  status?: number
}

export function page({ title, site, look, body, packages = [], modules = [], status = 200 }: Page): Answer {
  const document = html`<!doctype html>
<html lang="en" data-look="${look}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - ${site}</title>
<link rel="stylesheet" href="/style.css">
<link rel="stylesheet" href="/parts.css">
<link rel="icon" href="data:,">
${packages.map((source) => html`<script src="${source}" defer></script>\n`)}${modules.map((source) => html`<script src="${source}" type="module"></script>\n`)}</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="site" aria-label="${site}"><div><span class="mark" aria-hidden="true"></span>${site}</div></header>
<main id="main" aria-label="${site}">
${body}
</main>
<footer aria-label="About ${site}"><p>A demonstration. Every person and record here is made up.</p></footer>
</body>
</html>`
  return text(status, document.source, 'text/html')
}

/** The routes of the style sheets that every page links. */
export const styleRoutes: Routes = {
  'GET /style.css': () => stylesheet('style.css'),
  'GET /parts.css': () => stylesheet('parts.css')
}

async function stylesheet(name: string): Promise<Answer> {
  return text(200, await readFile(new URL(`./${name}`, import.meta.url), 'utf8'), 'text/css')
}

export async function script(file: URL): Promise<Answer> {
  return text(200, await readFile(file, 'utf8'), 'text/javascript')
}
