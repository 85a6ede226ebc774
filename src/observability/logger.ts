/**
 * The operator's log: one JSON object a line. Nothing under a name that could
 * hold a credential is written, at any depth, and no token wherever it
 * stands. The audit trail is not here: it is in audit/.
 */

import type { DestinationStream, Logger as PinoLogger } from 'pino'
import { pino } from 'pino'
import type { Config } from '../config/config.ts'
import { batchedOutput } from './batched-output.ts'

/** Without pino's child loggers, whose bindings pass by the redaction. */
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'flush'>

const SECRET_NAME =
  /pass(word|phrase)|secret|token|verifier|cookie|authorization|assertion|totp|csrf|private|^(code|key|otp|user_?code|launch)$/i
/** Ours by their prefix, and whatever is a signed JWT: access tokens, assertions, what an EHR states. */
const TOKENS = /kw_[a-z]{2,3}_[\w.~-]+|eyJ[\w-]+\.[\w-]+\.[\w-]+/g
/** ECONNREFUSED, ERR_HTTP_...: on an error, `code` is a name and no authorization code. */
const SYSTEM_CODE = /^[A-Z][A-Z0-9_]*$/
const REDACTED = '[redacted]'
const MAX_DEPTH = 8
const MOST_NAMES = 500

type IsSecret = (name: string) => boolean

export function createLogger(options: { level: Config['log']['level']; destination?: DestinationStream }): Logger {
  const settings = {
    level: options.level,
    timestamp: timestamps(),
    formatters: {
      level: (label: string) => ({ level: label }),
      log: redactor()
    },
    serializers: { err: (described: unknown) => described }, // pino's own would add what redactMembers left out
    // The last look, over the whole line: messages and stack traces too.
    hooks: { streamWrite: (line: string) => line.replace(TOKENS, REDACTED) }
  }
  return pino(settings, options.destination ?? batchedOutput(1))
}

/** Many lines fall into one millisecond: its text is made once. */
function timestamps(): () => string {
  let at = 0
  let text = ''
  return () => {
    const now = Date.now()
    if (now !== at || text === '') text = `,"time":"${new Date(now).toISOString()}"`
    at = now
    return text
  }
}

/** Whether a name could hold a credential, remembered for the few names that all lines are made of. */
function redactor(): (members: object) => Record<string, unknown> {
  const known = new Map<string, boolean>()
  const isSecret: IsSecret = (name) => {
    const found = known.get(name)
    if (found !== undefined) return found
    const secret = SECRET_NAME.test(name)
    if (known.size < MOST_NAMES) known.set(name, secret)
    return secret
  }
  return (members) => redactObject(members, 0, isSecret)
}

function redactObject(value: object, depth: number, isSecret: IsSecret): Record<string, unknown> {
  const redacted: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value))
    redacted[name] = isSecret(name) ? REDACTED : redact(member, depth + 1, isSecret)
  return redacted
}

function redact(value: unknown, depth: number, isSecret: IsSecret): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > MAX_DEPTH) return '[too deep]'
  if (value instanceof Error) return describeError(value, depth, isSecret)
  if (value instanceof Uint8Array) return '[bytes]'
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map((member) => redact(member, depth + 1, isSecret))
  return redactObject(value, depth, isSecret)
}

/** Only these members: libraries hang whole requests and commands on their errors. */
function describeError(error: Error, depth: number, isSecret: IsSecret): Record<string, unknown> {
  const code = 'code' in error && typeof error.code === 'string' && SYSTEM_CODE.test(error.code) ? error.code : undefined
  const detail = 'error_detail' in error && typeof error.error_detail === 'string' ? error.error_detail : undefined
  return {
    type: error.name,
    message: error.message,
    ...(code === undefined ? {} : { errorCode: code }),
    ...(detail === undefined ? {} : { detail }),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1, isSecret) })
  }
}
