/**
 * Reads the forms of our pages, and no other kind of body. Strict: what a
 * browser would not send is refused, so that nothing downstream guesses.
 */
import type { Context } from 'koa'
import { readBody } from './body.ts'
import { PageError } from './page-error.ts'

const MAX_FIELDS = 500
const AMPERSAND = 0x26
export const FORM = 'application/x-www-form-urlencoded'

type Fields = ReadonlyMap<string, readonly string[]>

/** One value for each name; '' where it is absent. A field that comes twice is refused. */
export async function readForm<K extends string>(ctx: Context, names: readonly K[]): Promise<Record<K, string>> {
  return readFormLists(ctx, names, [])
}

/** As readForm, and for each of `lists` all its values, in order: checkboxes. */
export async function readFormLists<K extends string, L extends string>(
  ctx: Context,
  names: readonly K[],
  lists: readonly L[]
): Promise<Record<K, string> & Record<L, string[]>> {
  const fields = await readFields(ctx)
  const single = names.map((name): [K, string] => {
    const [value = '', ...more] = fields.get(name) ?? []
    if (more.length > 0) throw new PageError(400, 'form', { cause: new Error(`the field ${name} comes more than once`) })
    return [name, value]
  })
  const repeated = lists.map((name): [L, string[]] => [name, [...(fields.get(name) ?? [])]])
  return { ...objectOf(single), ...objectOf(repeated) }
}

/** Whether the form has fields besides these and its token: for pages where one more would be somebody's try to change what is decided. */
export async function hasOtherFields(ctx: Context, names: readonly string[]): Promise<boolean> {
  const known = new Set([...names, 'csrf'])
  return [...(await readFields(ctx)).keys()].some((name) => !known.has(name))
}

/** The body is read once for a request; whoever asks again gets the same fields. */
async function readFields(ctx: Context): Promise<Fields> {
  const earlier: Promise<Fields> | undefined = ctx.state.form
  const fields = earlier ?? parseBody(ctx)
  ctx.state.form = fields
  return fields
}

async function parseBody(ctx: Context): Promise<Fields> {
  const { headers } = ctx.req
  const length = headers['content-length']
  if (length === '0' || (length === undefined && headers['transfer-encoding'] === undefined)) return new Map()
  if (!isForm(ctx)) throw new PageError(415, 'unsupported-type')
  return parseForm(await readBody(ctx))
}

function isForm(ctx: Context): boolean {
  if (ctx.get('Content-Encoding') !== '') return false
  if (ctx.req.headers['content-type'] === FORM) return true
  const charset = ctx.request.charset.toLowerCase()
  return Boolean(ctx.is(FORM)) && (charset === '' || charset === 'utf-8')
}

/** Before anything is made of the fields: nothing that an app or a page of ours sends comes near the limit. */
export function refuseManyFields(body: Buffer): void {
  let count = 1
  for (const byte of body) if (byte === AMPERSAND) count += 1
  if (count > MAX_FIELDS) throw new PageError(400, 'form', { cause: new Error('too many fields') })
}

function parseForm(body: Buffer): Fields {
  refuseManyFields(body)
  const fields = new Map<string, string[]>()
  const pairs = body
    .toString('latin1')
    .split('&')
    .filter((pair) => pair !== '')
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    const name = decode(at < 0 ? pair : pair.slice(0, at))
    fields.set(name, [...(fields.get(name) ?? []), decode(at < 0 ? '' : pair.slice(at + 1))])
  }
  return fields
}

function decode(text: string): string {
  // Browsers percent-encode everything beyond ASCII; decodeURIComponent insists on whole UTF-8.
  if (/[^\x20-\x7e]|%00/.test(text)) throw new PageError(400, 'form', { cause: new Error('a control or raw character') })
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (cause) {
    throw new PageError(400, 'form', { cause })
  }
}

function objectOf<K extends string, V>(entries: [K, V][]): Record<K, V> {
  return Object.fromEntries(entries) as Record<K, V> // every K is among the entries: they were made from the list of names
}
