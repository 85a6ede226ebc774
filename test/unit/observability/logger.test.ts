import { describe, expect, test } from 'vitest'
import { createLogger } from '../../../src/observability/logger.ts'

function collect() {
  const lines: string[] = []
  const logger = createLogger({ level: 'debug', destination: { write: (line: string) => void lines.push(line) } })
  return { logger, lines }
}

describe('logger', () => {
  test.each([
    'password',
    'newPassword',
    'code',
    'token',
    'access_token',
    'refresh_token',
    'id_token',
    'client_secret',
    'secret',
    'authorization',
    'Authorization',
    'cookie',
    'set-cookie',
    'code_verifier',
    'client_assertion',
    'totp',
    'csrf',
    'launch',
    'cookieKeys',
    'key'
  ])('writes nothing that stands under %j, at any depth', (name) => {
    const { logger, lines } = collect()
    logger.info(
      { [name]: 'hush-1', deep: { list: [{ [name]: ['hush-2'] }] }, err: Object.assign(new Error('x'), { [name]: 'hush-3' }) },
      'said'
    )
    expect(lines).toHaveLength(1)
    expect(lines.join('')).not.toContain('hush')
    expect(lines[0]).toContain('[redacted]')
  })

  test.each([
    'kw_at_abcdefgh.0123456789_-x',
    'kw_iat_abcdefgh0123456789',
    'kw_rat_app-0123456789~abcdefgh',
    'eyJhbGciOiJub25lIn0.abcdefgh.c2ln'
  ])('writes no token, wherever it stands: %s', (token) => {
    const { logger, lines } = collect()
    logger.info({ note: `got ${token}`, err: new Error(token, { cause: new Error(token) }) }, `saw ${token}`)
    expect(lines.join('')).not.toContain('abcdefgh')
    expect(() => JSON.parse(lines[0] ?? '')).not.toThrow()
  })

  test('case 142: line breaks, escapes and quotes in values stay inside one JSON line', () => {
    const { logger, lines } = collect()
    const odd = 'a\r\n{"level":"error"}\u001b[31m"\u2028'
    logger.info({ username: odd }, odd)
    expect(lines).toHaveLength(1)
    for (const raw of ['\r', '\n', '\u001b']) expect(lines[0]?.trimEnd()).not.toContain(raw)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', username: odd, msg: odd })
  })

  test('an error keeps its name, message, stack, code and causes, and nothing that a library hung on it', () => {
    const { logger, lines } = collect()
    const cause = Object.assign(new TypeError('inner'), { code: 'ECONNREFUSED', command: { args: ['x-hush'] } })
    logger.error({ err: new Error('outer', { cause }) }, 'failed')
    const line = JSON.parse(lines[0] ?? '')
    expect(line.err).toMatchObject({
      type: 'Error',
      message: 'outer',
      cause: { type: 'TypeError', message: 'inner', errorCode: 'ECONNREFUSED' }
    })
    expect(lines[0]).not.toContain('x-hush')
  })

  test('an object that holds itself does not stop the log', () => {
    const { logger, lines } = collect()
    const loop: Record<string, unknown> = {}
    loop.loop = loop
    logger.info({ loop }, 'said')
    expect(lines[0]).toContain('too deep')
  })
})
