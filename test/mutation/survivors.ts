/** Which mutants no test kills, held against the lines for which there is a reason why none can. A pure module. */
import { z } from 'zod'

const reportSchema = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.string(),
      mutants: z.array(
        z.object({
          status: z.string(),
          mutatorName: z.string(),
          replacement: z.string().default(''),
          location: z.object({ start: z.object({ line: z.number() }) })
        })
      )
    })
  )
})

/** A line, as it is in the file without the spaces around it, and why a change of it changes nothing that can be seen. */
export const reasonsSchema = z.array(z.strictObject({ file: z.string(), line: z.string(), reason: z.string().min(20) }))
export type Reason = z.infer<typeof reasonsSchema>[number]

export interface Outcome {
  mutants: number
  killed: number
  /** Survivors without a reason, and reasons without a survivor. */
  complaints: string[]
}

export function outcomeOf(report: unknown, reasons: readonly Reason[]): Outcome {
  const { files } = reportSchema.parse(report)
  const all = Object.entries(files).flatMap(([file, { source, mutants }]) => {
    const lines = source.split('\n')
    return mutants.map((mutant) => ({ file, line: lines[mutant.location.start.line - 1]?.trim() ?? '', ...mutant }))
  })
  const counted = all.filter(({ status }) => status !== 'Ignored' && status !== 'CompileError')
  const alive = counted.filter(({ status }) => status !== 'Killed' && status !== 'Timeout')
  const explains = (reason: Reason, mutant: { file: string; line: string }): boolean =>
    reason.file === mutant.file && reason.line === mutant.line
  const unexplained = alive.filter((mutant) => !reasons.some((reason) => explains(reason, mutant)))
  const stale = reasons.filter((reason) => !alive.some((mutant) => explains(reason, mutant)))
  return {
    mutants: counted.length,
    killed: counted.length - alive.length,
    complaints: [
      ...(counted.length === 0 ? ['there are no mutants'] : []),
      ...unexplained.map(
        ({ file, line, mutatorName, replacement }) => `survived: ${file}: ${line} (${mutatorName}: ${replacement})`
      ),
      ...stale.map(({ file, line }) => `a reason without a survivor: ${file}: ${line}`)
    ]
  }
}
