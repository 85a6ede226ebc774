/**
 * Runs inside a Keyward under test, before it (`--import`): makes it write records as the format before the present one has
 * them, and tells how many it wrote.
 */
import { registerHooks } from 'node:module'
import { recordsWritten } from './record-1.ts'

const OLDER = new URL('./record-1.ts', import.meta.url).href

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    return found.url.endsWith('/src/store/record.ts') && context.parentURL !== OLDER ? { ...found, url: OLDER } : found
  }
})

process.on('message', () => void process.send?.(recordsWritten()))
// The test may end first, and Keyward ends when it is told to.
process.channel?.unref()
