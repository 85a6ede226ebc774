/** What the report of tests says of the requirements, and whether docs/conformance.md says the same. For `npm test` and `npm run conformance`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { complaintsAbout, conformancePage, missingFrom, staleRows } from './page.ts'
import { isRequired, readRequirements } from './requirements.ts'
import { shownBy } from './shown.ts'

export interface Conformance {
  /** What docs/conformance.md should be. */
  made: string
  complaints: string[]
  /** The rows in which docs/conformance.md is something else. */
  stale: string[]
  summary: string
}

export const PAGE = 'docs/conformance.md'

export function conformanceOf(report: unknown, root: string): Conformance {
  const requirements = readRequirements(readFileSync(join(root, 'docs/requirements.yaml'), 'utf8'))
  const shown = { requirements, tests: shownBy(report, root) }
  const made = conformancePage(shown)
  const required = requirements.filter(isRequired).length
  return {
    made,
    complaints: complaintsAbout(shown),
    stale: staleRows(readFileSync(join(root, PAGE), 'utf8'), made),
    summary: `${requirements.length} requirements, ${required} to be shown, ${missingFrom(shown).length} of them not shown`
  }
}

/** The stale rows in one line, so many that it can be read. */
export function staleComplaint(stale: readonly string[]): string {
  const more = stale.length > 12 ? `, and ${stale.length - 12} more` : ''
  return `${PAGE} is not what npm run conformance makes of these tests: ${stale.slice(0, 12).join(', ')}${more}`
}
