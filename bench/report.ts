/** The bench's findings in words: the table that is printed, and docs/speed.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { APPS_AT_ONCE, SIGN_INS_AT_ONCE } from './during-sign-ins.ts'
import { type Round, ratiosOf, type Spread, spreadOf, valuesOf } from './readings.ts'
import { type Commands, totalOf } from './redis-figures.ts'
import { BARS, growthOf, meetsBar, type Results, speedOf } from './results.ts'

const DOCUMENT = join(import.meta.dirname, '../docs/speed.md')
/** From here on the document is written by hand, and kept. */
const BY_HAND = '## What was tried'

const number = (value: number, digits = 2): string => value.toFixed(digits)
const spread = ({ median, min, max }: Spread, digits = 2): string =>
  `${number(median, digits)} [${number(min, digits)}–${number(max, digits)}]`
const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
const thousands = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',')

const microsOf = (rounds: Round[], subject: string): string =>
  number(spreadOf(valuesOf(rounds, subject, ({ micros }) => micros)).median, 0)

function commandsOf(rounds: Round[], subject: string): Commands {
  return rounds[0]?.readings.get(subject)?.commands ?? new Map()
}

function said(commands: Commands): string {
  const often = [...commands].filter(([, calls]) => calls >= 0.05).sort(([, a], [, b]) => b - a)
  const each = often.map(([name, calls]) => `${name} ${number(calls, calls < 10 ? 1 : 0)}`)
  return each.join(', ') || 'none'
}

function operationRows({ operations }: Results): string[][] {
  return operations.map((one) => [
    one.operation.title,
    microsOf(one.rounds, 'keyward'),
    microsOf(one.rounds, 'stock'),
    spread(speedOf(one)),
    `≥ ${one.operation.bar}`,
    meetsBar(one) ? 'yes' : '**no**',
    `${number(totalOf(commandsOf(one.rounds, 'keyward')), 1)} / ${number(totalOf(commandsOf(one.rounds, 'stock')), 1)}`
  ])
}
const OPERATION_HEAD = ['operation', 'Keyward, µs', 'stock, µs', 'stock / Keyward', 'bar', 'met', 'store commands']

function floorRows({ operations }: Results): string[][] {
  return operations.flatMap(({ operation, rounds }) => {
    if (!operation.floor) return []
    const ratio = ratiosOf(rounds, 'keyward', 'koa', ({ micros }) => micros)
    const what = operation.floor === 'hello' ? 'GET, 5 bytes' : 'POST of a form, 300 bytes of JSON'
    return [[operation.title, what, microsOf(rounds, 'koa'), spread(ratio)]]
  })
}

function otherRows(results: Results): string[][] {
  const { duringSignIns, bytes } = results
  const rows: string[][] = []
  const row = (what: string, found: string, bar: string, met: boolean): void => {
    rows.push([what, found, bar, met ? 'yes' : '**no**'])
  }
  if (duringSignIns) {
    const { ratio } = duringSignIns
    const what = `p99 of refreshing, ${SIGN_INS_AT_ONCE} sign-ins at once / none`
    row(what, spread(ratio), `≤ ${BARS.duringSignIns}`, ratio.median <= BARS.duringSignIns)
  }
  const [first] = results.growth ?? []
  for (const { tokens, ratio } of growthOf(results)) {
    const what = `introspection with ${thousands(tokens)} tokens stored / ${thousands(first?.tokens ?? 0)}`
    row(what, spread(ratio), `≤ ${BARS.growth}`, ratio.median <= BARS.growth)
  }
  if (bytes) {
    for (const [what, member] of [
      ['access token + Grant', 'tokenAndGrant'],
      ['refresh token + Grant', 'refreshTokenAndGrant']
    ] as const) {
      const [own, stock] = [bytes.keyward[member], bytes.stock[member]]
      row(`bytes in Redis, ${what}, Keyward / stock`, `${thousands(own)} / ${thousands(stock)}`, '≤ stock', own <= stock)
    }
  }
  return rows
}
const OTHER_HEAD = ['what', 'found', 'bar', 'met']

export function printTable(results: Results): void {
  const parts = [table(OPERATION_HEAD, operationRows(results))]
  if (floorRows(results).length > 0) parts.push(table(['operation', 'bare Koa', 'µs', 'Keyward / Koa'], floorRows(results)))
  if (otherRows(results).length > 0) parts.push(table(OTHER_HEAD, otherRows(results)))
  process.stdout.write(`\n${parts.join('\n\n')}\n\n`)
}

function conditions({ conditions: it, operations }: Results): string {
  const discarded = operations.reduce((sum, one) => sum + one.discarded, 0)
  const counted = operations.map(({ rounds }) => rounds.length)
  const noise =
    it.mostOthers < 1
      ? `A pair does not count where other programs had more than ${it.mostOthers * 100} % of the server's core: ${discarded} were thrown away.`
      : "Other programs were using the server's core, and all pairs were counted: these figures are provisional."
  return `- Machine: ${it.machine}, Linux, shared. The server alone on core 0; the load and Redis on core 1.
- Node ${it.node.slice(1)}, oidc-provider ${it.engine}, Redis ${it.redis} with its append-only file written every second; both servers use the same one.
- At least ${Math.min(...counted)} counted pairs for each line, ${it.pairs} wanted, in the order A B, B A. ${noise}
- ${thousands(it.tokens)} access tokens in the store of each, ten for each person.
- 32 connections kept alive, each asking as soon as it has its answer. One answer that is not the one wanted ends the run.
- The run took ${number(it.minutes, 0)} minutes.`
}

function profilesIn({ profiles, operations }: Results): string {
  const missed = operations.filter((one) => !meetsBar(one))
  if (missed.length === 0) return 'Every operation meets its bar.'
  const percent = (rows: [string, number][]): string =>
    rows.map(([name, share]) => `${name} ${number(100 * share, 1)}`).join(' · ')
  return missed
    .map((one) => {
      const { title, bar } = one.operation
      const { median, min } = speedOf(one)
      const profile = profiles.find((each) => each.title === title)?.profile
      const by = median < bar ? `median ${number(median)}, ${number(100 * (1 - median / bar), 0)} % under the bar` : 'median met'
      return `**${title}**: ${by}; the slowest pair ${number(min)}. Share of the busy time in percent, by place:
${percent(profile?.places ?? [])}.
By function: ${percent(profile?.functions ?? [])}.`
    })
    .join('\n\n')
}

function commandRows({ operations }: Results): string[][] {
  return operations
    .filter(({ rounds }) => totalOf(commandsOf(rounds, 'keyward')) > 0)
    .map(({ operation, rounds }) => [operation.title, said(commandsOf(rounds, 'keyward')), said(commandsOf(rounds, 'stock'))])
}

function latencyRows({ operations, duringSignIns }: Results): string[][] {
  const of = (rounds: Round[], subject: string, value: 'p50' | 'p99'): string =>
    number(spreadOf(valuesOf(rounds, subject, (reading) => reading[value])).median, 1)
  return [
    ...operations.map(({ operation, rounds }) => [
      operation.title,
      `${of(rounds, 'keyward', 'p50')} / ${of(rounds, 'keyward', 'p99')}`,
      `${of(rounds, 'stock', 'p50')} / ${of(rounds, 'stock', 'p99')}`
    ]),
    ...(duringSignIns
      ? [
          [`refresh, ${APPS_AT_ONCE} connections, nobody signs in`, `p99 ${spread(duringSignIns.quiet, 1)}`, ''],
          [`the same during ${SIGN_INS_AT_ONCE} sign-ins at once`, `p99 ${spread(duringSignIns.during, 1)}`, '']
        ]
      : [])
  ]
}

function growthTable({ growth = [], growthRounds = [] }: Results): string {
  const rows = growth.map(({ tokens, name }) => [
    thousands(tokens),
    microsOf(growthRounds, name),
    said(commandsOf(growthRounds, name))
  ])
  return table(['tokens stored', 'µs', 'store commands'], rows)
}

function bytesSection({ bytes }: Results): string {
  if (!bytes) return ''
  const kinds = (all: Map<string, number>): string => [...all].map(([kind, size]) => `${kind} ${size}`).join(', ')
  return `An access token or a refresh token with its Grant and all that finds it is ${thousands(bytes.keyward.tokenAndGrant)} and
${thousands(bytes.keyward.refreshTokenAndGrant)} bytes of Redis' memory in Keyward, ${thousands(bytes.stock.tokenAndGrant)} and ${thousands(bytes.stock.refreshTokenAndGrant)} in stock. Keyward keeps ${thousands(bytes.keyward.person)} bytes more for each person:
account, user name and a consent; what stock's deployer keeps of people is not in it.

Mean bytes of some keys of each kind: Keyward ${kinds(bytes.keyward.kinds)}; stock ${kinds(bytes.stock.kinds)}.`
}

export function writeDocument(results: Results): void {
  const before = existsSync(DOCUMENT) ? readFileSync(DOCUMENT, 'utf8') : ''
  const at = before.indexOf(BY_HAND)
  const kept = at < 0 ? `${BY_HAND}\n` : before.slice(at)
  const generated = `# Speed

Written by \`npm run bench\`, all but the last section. It measures Keyward (atomic, sealed, audited, its log at level info thrown away)
beside oidc-provider as it comes, on a Redis adapter written the way its documentation shows, its clients in the store too, and beside bare
Koa handlers. What counts is the CPU time, user and system, that the server process uses for one request, and the ratio of the two within a
pair of readings made one after the other: absolute times drift with the machine. Where a ratio is given, it is the median of all pairs, and
the least and the most of them. \`npm run bench -- --quick\` tries it in a few minutes and writes nothing.

## Conditions

${conditions(results)}

Both sign id_tokens by RS256 with 3072 bits. Access tokens are opaque, refresh tokens are replaced at each use, PKCE is required.
Assertions of backend services are signed beforehand, with keys of 2048 bits (RS384) and on P-384 (ES384) that both know in place.

## Found

An operation meets its bar where the median does, and no pair is under 0.9. Times are CPU per operation; commands are all that Redis carried
out for one operation, those inside scripts too, Keyward's first.

${table(OPERATION_HEAD, operationRows(results))}

${table(OTHER_HEAD, otherRows(results))}

Above the floor:

${table(['operation', 'bare Koa', 'µs', 'Keyward / Koa'], floorRows(results))}

## Where the time goes in what misses its bar

${profilesIn(results)}

## Waiting

Milliseconds, median / 99th percentile, on a server that is kept busy by 32 connections; an indication only.

${table(['operation', 'Keyward', 'stock'], latencyRows(results))}

${results.duringSignIns ? `People signed in at ${spread(results.duringSignIns.signInsPerSecond, 1)} a second meanwhile, each password checked by Argon2id on the same core.` : ''}

## Growth

${growthTable(results)}

## Store

${table(['operation', 'Keyward', 'stock'], commandRows(results))}

${bytesSection(results)}

`
  writeFileSync(DOCUMENT, generated + kept)
}
