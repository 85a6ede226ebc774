/**
 * Which ids lie together. An id of the form `<tag>.<rest>`, or `kw_xx_<tag>.<rest>`
 * for tokens and codes, lies in the slot of its tag, a run of eight base64url
 * characters: a Grant and everything issued under it share one Redis slot.
 * Every other id is a slot of its own.
 */
import { randomBytes } from 'node:crypto'

const TAGGED = /^(?:kw_[a-z]{2}_)?([\w-]{8})\.[\w.-]+$/

/** The tag in an id, undefined where it has none. */
export function tagOf(id: string): string | undefined {
  return TAGGED.exec(id)?.[1]
}

/** A new id that starts a slot of its own: 48 bits of tag and 128 random bits. */
export function newTaggedId(): string {
  return `${randomBytes(6).toString('base64url')}.${randomBytes(16).toString('base64url')}`
}

/** A new id of 256 random bits in the slot of another id. */
export function newIdBeside(id: string, prefix = ''): string {
  const tag = tagOf(id)
  if (!tag) throw new Error('the id beside which a new one is made has no tag')
  return `${prefix}${tag}.${randomBytes(32).toString('base64url')}`
}
