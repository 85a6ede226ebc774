/** Lines of a process of its own, whose standard output is a pipe: what it says is whatever has come out when it has ended. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'

const LOGGER = new URL('../../../src/observability/logger.ts', import.meta.url).href

/** Everything that a process writes which runs this with `logger`, once it has ended. */
async function outputOf(code: string, whileRunning?: (child: ReturnType<typeof start>) => Promise<void>): Promise<string> {
  const child = start(code)
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += String(chunk)
  })
  const closed = once(child, 'close')
  await whileRunning?.(child)
  await closed
  return output
}

function start(code: string) {
  const whole = `const { createLogger } = await import(${JSON.stringify(LOGGER)}); const logger = createLogger({ level: 'info' }); ${code}`
  return spawn(process.execPath, ['--input-type=module', '--eval', whole], { stdio: ['ignore', 'pipe', 'ignore'] })
}

const messagesOf = (output: string): unknown[] =>
  output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).msg)

describe('the log on standard output', () => {
  test.each([
    ['ends', ''],
    ['is ended', 'process.exit(3)'],
    ['breaks', "setImmediate(() => { throw new Error('unforeseen') })"],
    ['breaks by a promise', "Promise.reject(new Error('unforeseen'))"]
  ])('is whole when the process %s', async (_how, ending) => {
    const output = await outputOf(`for (let i = 0; i < 1000; i += 1) logger.info(String(i)); ${ending}`)
    expect(messagesOf(output)).toEqual(Array.from({ length: 1000 }, (_, i) => String(i)))
  })

  test('is whole, and in order, for a reader that begins late', async () => {
    const long = 'x'.repeat(1000)
    // A pipe that doesn't wait for its reader, as others may hand it to us.
    const impatient = "globalThis.kept = new (await import('node:net')).Socket({ fd: 1, readable: false });"
    const output = await outputOf(`${impatient} for (let i = 0; i < 2000; i += 1) logger.info(i + '${long}')`, async (child) => {
      child.stdout.pause()
      await once(child, 'spawn')
      setTimeout(() => child.stdout.resume(), 500)
    })
    expect(messagesOf(output)).toEqual(Array.from({ length: 2000 }, (_, i) => `${i}${long}`))
  })

  test('shows a line within a moment while the process goes on', async () => {
    const output = await outputOf("logger.info('listening'); setInterval(() => undefined, 1000)", async (child) => {
      await once(child.stdout, 'data')
      child.kill('SIGKILL')
    })
    expect(messagesOf(output)).toEqual(['listening'])
  })

  test('shows a warning, and what was said before it, even where the process is killed right after', async () => {
    const output = await outputOf("logger.info('before'); logger.warn('now'); process.kill(process.pid, 'SIGKILL')")
    expect(messagesOf(output)).toEqual(['before', 'now'])
  })

  test('does not stop a process whose output nobody reads any more', async () => {
    const child = start("logger.warn('first'); setTimeout(() => { logger.warn('second'); process.exit(7) }, 300)")
    await once(child.stdout, 'data')
    child.stdout.destroy()
    expect((await once(child, 'exit'))[0]).toBe(7)
  })
})
