/**
 * The forms that apps send to the token and revocation endpoints. Read as leniently
 * as the engine read them, since apps write them with all sorts of libraries; what comes
 * twice is refused, and what is empty counts as absent. RFC 6749 §3.2
 */
import { parse } from 'node:querystring'
import type { Context } from 'koa'
import { readBody } from '../../web/body.ts'
import { FORM, refuseManyFields } from '../../web/form.ts'
import { TokenRefusal } from './refusal.ts'

export interface TokenForm {
  /** Each field's value; of one that comes twice there is none. */
  values: Record<string, string | undefined>
  /** Names of fields that come twice. */
  repeated: readonly string[]
  /** RFC 8707 §2: the one parameter that may come more than once. */
  resources: readonly string[]
}

const RESOURCE = 'resource'
/** RFC 6749 §3.3 */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/

export async function readTokenForm(ctx: Context): Promise<TokenForm> {
  if (!ctx.is(FORM)) {
    if (ctx.get('Content-Type') !== '') throw new TokenRefusal('invalid_request', `the body must be ${FORM}`)
    return { values: {}, repeated: [], resources: [] }
  }
  const body = await readBody(ctx)
  refuseManyFields(body)
  return parseTokenForm(body.toString())
}

/** At most as many fields as were counted before: the parser's own limit would cut some off in silence. */
function parseTokenForm(text: string): TokenForm {
  const values: Record<string, string | undefined> = Object.create(null)
  const repeated: string[] = []
  let resources: string[] = []
  for (const [name, value] of Object.entries(parse(text, '&', '=', { maxKeys: 0 }))) {
    if (name === RESOURCE) resources = [value ?? []].flat().filter((one) => one !== '')
    else if (Array.isArray(value)) repeated.push(name)
    else if (value) values[name] = value
  }
  return { values, repeated, resources }
}

/** RFC 6749 §3.2: a parameter comes at most once. */
export function refuseRepeated({ repeated }: TokenForm, isMeant: (name: string) => boolean = () => true): void {
  const [name] = repeated.filter(isMeant)
  if (name !== undefined) throw new TokenRefusal('invalid_request', 'a parameter comes more than once')
}

/** Whether `scope` is written as scopes are, whatever it asks for. */
export function isScope(text: string): boolean {
  return SCOPE.test(text)
}

/** The value of a parameter without which there is nothing to do. */
export function required({ values }: Pick<TokenForm, 'values'>, name: string): string {
  const value = values[name]
  if (value === undefined) throw new TokenRefusal('invalid_request', `the parameter ${name} is missing`)
  return value
}
