/**
 * Verifies every chain from its first record to its head, then what the chains
 * say of each other, then that no record lies outside a chain. It runs beside
 * live processes: a chain may grow while it looks.
 *
 * What it can't find: a trail rewritten whole, by somebody who has the sealing
 * keys. Against that, export regularly to a place that Keyward can't write to.
 */
import type { Store } from '../store/store.ts'
import { CHAINS, type ChainHead, emptyChain, HEADS, hashOf, listChains, RECORDS, readSealed, recordId } from './chain.ts'
import type { AuditRecord, ChainAnchor } from './event.ts'
import { readChain } from './read.ts'

type Verdict = { ok: true; records: number; chains: number } | Fault

/** The first bad record. */
interface Fault {
  ok: false
  chain: string
  sequence: number
  problem: AuditProblem
}

/**
 * changed: does not match its own hash. reordered: another record's place, or
 * does not follow the one before it. cut: this and all later ones are gone.
 * not-counted: lies after the head. not-listed: its chain is not in the list of chains.
 */
type AuditProblem =
  | 'changed'
  | 'missing'
  | 'reordered'
  | 'cut'
  | 'unreadable'
  | 'head-missing'
  | 'head-unreadable'
  | 'not-counted'
  | 'not-listed'

/** Stands for the chain where a record can't be opened that no readable chain counts. */
const UNKNOWN = 'unknown'

export async function verifyAudit(store: Store): Promise<Verdict> {
  const verified = new Map<string, number>()
  const anchors: ChainAnchor[] = []
  let records = 0
  const { chains, unreadable } = await listChains(store)
  for (const chain of chains) {
    const head = await readHead(store, chain)
    if ('problem' in head) return head
    const fault = await verifyChain(store, head, anchors)
    if (fault) return fault
    verified.set(chain, head.sequence)
    records += head.sequence
  }
  for (const anchor of anchors) {
    const fault = await verifyAnchor(store, anchor)
    if (fault) return fault
  }
  const fault = await findUncounted(store, verified)
  if (fault) return fault
  return unreadable > 0 ? bad(UNKNOWN, 0, 'unreadable') : { ok: true, records, chains: verified.size }
}

async function readHead(store: Store, chain: string): Promise<ChainHead | Fault> {
  const head = await readSealed(store, HEADS, chain)
  if (head === undefined) return bad(chain, 1, 'head-missing')
  if (head === 'unreadable') return bad(chain, 1, 'head-unreadable')
  return head.chain === chain ? head : bad(chain, 1, 'reordered')
}

async function verifyChain(store: Store, head: ChainHead, anchors: ChainAnchor[]): Promise<Fault | undefined> {
  let previous = emptyChain(head.chain).hash
  let gap: number | undefined
  for await (const { chain, sequence, record } of readChain(store, head.chain, head.sequence)) {
    if (record === undefined) {
      gap ??= sequence
      continue
    }
    // Only what follows a gap tells whether it is one, or the end was cut off.
    if (gap !== undefined) return bad(chain, gap, 'missing')
    if (record === 'unreadable') return bad(chain, sequence, 'unreadable')
    const problem = problemOf(record, chain, sequence, previous)
    if (problem) return bad(chain, sequence, problem)
    if (record.event.type === 'audit-chain' && 'anchors' in record.event) anchors.push(...record.event.anchors)
    previous = record.hash
  }
  if (gap !== undefined) return bad(head.chain, gap, 'cut')
  return previous === head.hash ? undefined : bad(head.chain, head.sequence, 'changed')
}

function problemOf(record: AuditRecord, chain: string, sequence: number, previous: string): AuditProblem | undefined {
  if (hashOf(record) !== record.hash) return 'changed'
  if (record.chain !== chain || record.sequence !== sequence || record.previousHash !== previous) return 'reordered'
  return undefined
}

async function verifyAnchor(store: Store, anchor: ChainAnchor): Promise<Fault | undefined> {
  const head = await readSealed(store, HEADS, anchor.chain)
  const record = await readSealed(store, RECORDS, recordId(anchor.chain, anchor.sequence))
  if (head === 'unreadable') return bad(anchor.chain, 1, 'head-unreadable')
  if (head === undefined) return bad(anchor.chain, 1, record === undefined ? 'cut' : 'head-missing')
  if (head.sequence < anchor.sequence) return bad(anchor.chain, head.sequence + 1, 'cut')
  if (record === undefined || record === 'unreadable') return bad(anchor.chain, anchor.sequence, record ?? 'missing')
  return record.hash === anchor.hash ? undefined : bad(anchor.chain, anchor.sequence, 'changed')
}

/** Records of a chain that is not listed, or after the head that was verified. */
async function findUncounted(store: Store, verified: Map<string, number>): Promise<Fault | undefined> {
  let unreadable = 0
  let after: string | undefined
  do {
    const page = await store.walk(RECORDS, { limit: 500, ...(after !== undefined && { after }) })
    for (const record of page.records) {
      const fault = record.sequence <= (verified.get(record.chain) ?? 0) ? undefined : await verifyLater(store, record, verified)
      if (fault) return fault
    }
    unreadable += page.unreadable
    after = page.next
  } while (after !== undefined)
  return unreadable > 0 ? bad(UNKNOWN, 0, 'unreadable') : undefined
}

/** A record that was not verified: right only where a live process wrote it since. */
async function verifyLater(
  store: Store,
  { chain, sequence }: AuditRecord,
  verified: Map<string, number>
): Promise<Fault | undefined> {
  const head = await readHead(store, chain)
  if ('problem' in head) return head
  if (head.sequence < sequence) return bad(chain, sequence, 'not-counted')
  if (verified.has(chain)) return undefined
  const entry = await readSealed(store, CHAINS, chain)
  return entry === undefined || entry === 'unreadable' ? bad(chain, 1, 'not-listed') : undefined
}

function bad(chain: string, sequence: number, problem: AuditProblem): Fault {
  return { ok: false, chain, sequence, problem }
}

const SENTENCES: Record<AuditProblem, string> = {
  changed: 'was changed after it was written',
  missing: 'is missing',
  reordered: 'does not follow the record before it',
  cut: 'is missing, and all after it: the chain was cut off',
  unreadable: 'cannot be opened: its sealed bytes were changed or moved',
  'head-missing': 'belongs to a chain whose head is missing',
  'head-unreadable': 'belongs to a chain whose head cannot be opened',
  'not-counted': 'lies after the head of its chain: the head was set back',
  'not-listed': 'belongs to a chain that was taken off the list of chains'
}

export function describeFault({ chain, sequence, problem }: Fault): string {
  return `chain ${chain}, record ${sequence} ${SENTENCES[problem]}`
}
