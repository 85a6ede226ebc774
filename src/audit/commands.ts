/** What an operator reads of the audit trail: the commands `audit verify`, `export` and `why`. Each gives its exit code. */
import type { Store } from '../store/store.ts'
import { exportLine, readAudit } from './read.ts'
import { describeFault, verifyAudit } from './verify.ts'
import { findDecisions, tellAuthorization, tellRecord } from './why.ts'

export async function verifyCommand(store: Store): Promise<number> {
  const verdict = await verifyAudit(store)
  console.log(verdict.ok ? `${verdict.records} records in ${verdict.chains} chains, intact` : describeFault(verdict))
  return verdict.ok ? 0 : 1
}

export async function exportCommand(store: Store): Promise<number> {
  let gaps = 0
  const onGap = (chain: string, sequence: number) => {
    gaps++
    console.error(`chain ${chain}, record ${sequence} can't be read`)
  }
  for await (const record of readAudit(store, onGap)) {
    if (!process.stdout.write(`${exportLine(record)}\n`)) await new Promise((resolve) => process.stdout.once('drain', resolve))
  }
  return gaps === 0 ? 0 : 1
}

export async function whyCommand(store: Store, id: string): Promise<number> {
  const { authorizations, others } = await findDecisions(store, id)
  const told = [...others.map(tellRecord), ...authorizations.map(tellAuthorization)]
  if (told.length === 0) console.error('nothing was decided in a request of this id, and no grant has it')
  for (const lines of told) console.log(lines.join('\n'))
  return told.length === 0 ? 1 : 0
}
