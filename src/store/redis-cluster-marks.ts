/**
 * Where the marks of redis-fence.ts lie in a Cluster: in so many slots, spread over all, that each primary holds some, and that
 * one that is given slots later is given marks with them.
 */
import { clusterSlotOf } from './cluster-slot.ts'
import type { Ask } from './redis-replicas.ts'

const SLOTS = 16_384
const MARKS = 64

/** One in each 64th part of the slots. */
const MARK_KEYS = spread()

/** Keys of marks in the slots that the server says are its own; none where it is no primary. */
export async function marksIn(name: string, ask: Ask): Promise<string[]> {
  const port = name.slice(name.lastIndexOf(':') + 1)
  const ranges = listOf(await ask('cluster', 'slots')).flatMap((range) => {
    const [first, last, primary] = listOf(range)
    const [host, itsPort] = listOf(primary)
    // Without a host it speaks of itself.
    const isIts = host ? `${host}:${itsPort}` === name : String(itsPort) === port
    return isIts ? [{ first: Number(first), last: Number(last) }] : []
  })
  const marks = MARK_KEYS.filter(({ slot }) => ranges.some(({ first, last }) => first <= slot && slot <= last))
  const [range] = ranges
  if (marks.length > 0 || !range) return marks.map(({ key }) => key)
  // So few slots that none of the marks lies there.
  return [keyIn((slot) => slot >= range.first && slot <= range.last)]
}

function spread(): { key: string; slot: number }[] {
  const share = SLOTS / MARKS
  return Array.from({ length: MARKS }, (_, at) => {
    const key = keyIn((slot) => Math.floor(slot / share) === at)
    return { key, slot: clusterSlotOf(key) }
  })
}

function keyIn(holds: (slot: number) => boolean): string {
  for (let i = 0; ; i += 1) if (holds(clusterSlotOf(`kw:mark:{${i}}`))) return `kw:mark:{${i}}`
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
