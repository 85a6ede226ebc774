/** docs/conformance.md, made from the requirements and the tests that show them; and what is missing. A pure module. */
import { isRequired, type Requirement } from './requirements.ts'
import type { ShownBy } from './shown.ts'

/** How many tests of one file are named. */
const NAMED = 2

const OPENING = `# Conformance

Made by \`npm run conformance\` from \`docs/requirements.yaml\` and the tests that carry the ids of requirements in their names; not edited
by hand. SHALL, SHOULD and MAY are SMART App Launch 2.2's words, ONC is certification (g)(10), INF is an independent test suite, DERIVED
follows from other requirements, INFO is a note. A row in SHALL, ONC or INF that is the authorization server's duty, or shared with it,
must have a test: without one that passes \`npm test\` fails, and so it does where this page is not what its tests make.
`

export interface Shown {
  requirements: readonly Requirement[]
  tests: ReadonlyMap<string, readonly ShownBy[]>
}

export function conformancePage(shown: Shown): string {
  const { requirements, tests } = shown
  const required = requirements.filter(isRequired)
  const missing = missingFrom(shown)
  const summary = `${required.length - missing.length} of the ${required.length} rows that must have a test have one.`
  const rows = requirements.map((one) => {
    const cells = [
      one.id,
      one.level,
      one.duty,
      escaped(one.requirement),
      escaped(one.observable),
      evidence(one, tests.get(one.id))
    ]
    return `| ${cells.join(' | ')} |`
  })
  const head = '| id | level | duty | requirement | observable | shown by |\n|---|---|---|---|---|---|'
  return `${OPENING}\n${summary}\n\n${head}\n${rows.join('\n')}\n`
}

/** Requirements that must be shown, and that no passing test shows. */
export function missingFrom({ requirements, tests }: Shown): Requirement[] {
  return requirements.filter((one) => isRequired(one) && !isShown(tests.get(one.id)))
}

/** What is wrong with the tests of each row, in order: one that failed, an id that is none, a row that must be shown and isn't. */
export function complaintsAbout(shown: Shown): string[] {
  const { requirements, tests } = shown
  const known = new Set(requirements.map(({ id }) => id))
  const missing = missingFrom(shown).filter(({ id }) => !tests.has(id))
  const complaints = [...tests].flatMap(([id, all]) =>
    all.flatMap(({ file, title, passed }) => [
      ...(passed ? [] : [`${id}: failed: ${file}: ${title}`]),
      ...(known.has(id) ? [] : [`${id} is no requirement: ${file}: ${title}`])
    ])
  )
  const unshown = missing.map(({ id, level, requirement }) => `${id} (${level}) is shown by no test: ${requirement}`)
  return [...complaints, ...unshown].sort()
}

/** The rows in which a page is not what it should be; what is not in a row is the text around them. */
export function staleRows(page: string, made: string): string[] {
  const rowsOf = (text: string) =>
    new Map(text.split('\n').map((line, at) => [/^\| (SM-\d{3}) /.exec(line)?.[1] ?? `line ${at + 1}`, line]))
  const [there, due] = [rowsOf(page), rowsOf(made)]
  return [...new Set([...there.keys(), ...due.keys()])].filter((id) => there.get(id) !== due.get(id)).sort()
}

function isShown(tests: readonly ShownBy[] | undefined): boolean {
  return tests !== undefined && tests.length > 0 && tests.every(({ passed }) => passed)
}

function evidence({ reason }: Requirement, tests: readonly ShownBy[] = []): string {
  const files = [...new Set(tests.map(({ file }) => file))]
  const shown = files.map((file) => {
    const titles = tests.filter((test) => test.file === file).map(({ title }) => escaped(title))
    const more = titles.length > NAMED ? `, and ${titles.length - NAMED} more` : ''
    return `[${file.replace(/^test\//, '')}](../${file}): ${titles.slice(0, NAMED).join('; ')}${more}`
  })
  return [...(reason === undefined ? [] : [escaped(reason)]), ...shown].join('<br>') || 'no test yet'
}

/** As plain words within a table of Markdown, with nothing that a control character or a long list could break. */
function escaped(text: string): string {
  const visible = text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, '\u00b7')
  const short = visible.length > 160 ? `${visible.slice(0, 159)}\u2026` : visible
  return short.replace(/[\\`*_{}[\]<>|]/g, '\\$&')
}
