/**
 * One text for one value: JSON with the members in order of their names, no
 * white space, and absent members left out (RFC 8785, as far as plain data
 * needs it). What is hashed, and what an auditor can hash again.
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value)
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`${value} has no JSON form`)
      return JSON.stringify(value)
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value) ? `[${value.map(canonicalJson).join(',')}]` : canonicalObject(value)
    default:
      throw new TypeError(`a ${typeof value} has no JSON form`)
  }
}

// Written for speed: every token that leaves waits for one of these.
function canonicalObject(value: object): string {
  // A Date or a Map would come back from the store as something else, and no longer match its hash.
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('only plain objects have a canonical form')
  let text = ''
  for (const name of Object.keys(value).sort()) {
    const member: unknown = Reflect.get(value, name)
    if (member !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${canonicalJson(member)}`
  }
  return `{${text}}`
}
