/** docs/requirements.yaml: what is asked of whom. Reading it checks that it is whole. */
import { parse } from 'yaml'
import { z } from 'zod'

/** How many there are: the numbers run without a gap. */
export const COUNT = 310

const requirement = z.strictObject({
  id: z.string().regex(/^SM-\d{3}$/),
  /** ONC: asked by certification (g)(10). INF: an independent test suite fails without it. DERIVED: follows from others. */
  level: z.enum(['SHALL', 'SHOULD', 'MAY', 'ONC', 'INF', 'DERIVED', 'INFO']),
  duty: z.enum(['authorization-server', 'fhir-server', 'app', 'shared', 'organisation']),
  requirement: z.string().min(10),
  /** What can be seen of it from outside. */
  observable: z.string().min(3),
  /** Why it is somebody else's duty, or not offered. */
  reason: z.string().min(10).optional()
})

export type Requirement = z.infer<typeof requirement>

export function readRequirements(yaml: string): Requirement[] {
  const requirements = z.array(requirement).length(COUNT).parse(parse(yaml))
  for (const [index, { id, duty, level, reason }] of requirements.entries()) {
    const expected = `SM-${String(index + 1).padStart(3, '0')}`
    if (id !== expected) throw new Error(`${id} is where ${expected} belongs`)
    const others = duty !== 'authorization-server' && duty !== 'shared'
    if (others && reason === undefined) throw new Error(`${id} does not say why it is the duty of ${duty}`)
    if (duty === 'authorization-server' && isRequired({ level, duty }) && reason !== undefined)
      throw new Error(`${id} has to be shown: no reason excuses it`)
  }
  return requirements
}

/** Whether a test must show it: all of it, or the part that is not the FHIR server's or the EHR's. */
export function isRequired({ level, duty }: Pick<Requirement, 'level' | 'duty'>): boolean {
  return (duty === 'authorization-server' || duty === 'shared') && (level === 'SHALL' || level === 'ONC' || level === 'INF')
}
