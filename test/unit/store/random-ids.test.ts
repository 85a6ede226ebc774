/** Case 34: 10 000 of each id that opens a door, from what makes them: none twice, and each character as likely as any other. */
import Provider from 'oidc-provider'
import { describe, expect, test } from 'vitest'
import { newClientId } from '../../../src/developer/changes.ts'
import { nameCodes } from '../../../src/oidc/patches.ts'
import { newIdBeside, newTaggedId } from '../../../src/store/slot.ts'

const MANY = 10_000
const provider = new Provider('http://localhost')
nameCodes(provider)
const grantId = newTaggedId()

/** The maker, the random end of what it makes, and how many bits that has to have. */
const makers: [string, () => string, RegExp, number][] = [
  ['access tokens', () => newIdBeside(grantId, 'kw_at_'), /^kw_at_[\w-]{8}\.([\w-]{43})$/, 256],
  ['refresh tokens', () => newIdBeside(grantId, 'kw_rt_'), /^kw_rt_[\w-]{8}\.([\w-]{43})$/, 256],
  ['codes, by the engine', () => codeOfEngine(), /^kw_ac_[\w-]{8}\.([\w-]{43})$/, 256],
  ['session ids, by the engine', () => new provider.Session().jti, /^([\w-]{43})$/, 256],
  ['grant ids', newTaggedId, /^[\w-]{8}\.([\w-]{22})$/, 128],
  ['client ids', newClientId, /^app-([\w-]{22})$/, 128]
]

describe('case 34, SM-153', () => {
  test.each(makers)('%s do not repeat, and have bits enough', (_what, make, form, bits) => {
    const ids = Array.from({ length: MANY }, () => form.exec(make())?.[1] ?? '')
    expect(ids).not.toContain('')
    expect(new Set(ids).size).toBe(MANY)
    expect(bitsOf(ids)).toBeGreaterThanOrEqual(bits)
  })

  test('a counter, a clock and a fixed part are no bits', () => {
    const counted = Array.from({ length: MANY }, (_, at) => `${'A'.repeat(30)}${String(at).padStart(13, '0')}`)
    expect(bitsOf(counted)).toBeLessThan(128)
    const lopsided = Array.from({ length: MANY }, () => newIdBeside(grantId).slice(9).replace(/[A-Z]/g, 'a'))
    expect(bitsOf(lopsided)).toBeLessThan(128)
  })
})

function codeOfEngine(): string {
  const code = { grantId }
  const make: unknown = Reflect.get(provider.AuthorizationCode.prototype, 'generateTokenId')
  return typeof make === 'function' ? String(Reflect.apply(make, code, [])) : ''
}

/**
 * Of those places at which every character that occurs is about as frequent as the others, the bits. With 156 expected of
 * each of 64, a count under 60 or over 300 is more than seven standard deviations away.
 */
function bitsOf(ids: string[]): number {
  let bits = 0
  for (let place = 0; place < (ids[0]?.length ?? 0); place++) {
    const counts = new Map<string, number>()
    for (const id of ids) counts.set(id[place] ?? '', (counts.get(id[place] ?? '') ?? 0) + 1)
    const expected = MANY / counts.size
    const isEven = [...counts.values()].every((count) => Math.abs(count - expected) < 8 * Math.sqrt(expected))
    if (isEven) bits += Math.log2(counts.size)
  }
  return bits
}
