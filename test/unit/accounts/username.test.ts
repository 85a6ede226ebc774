import { describe, expect, test } from 'vitest'
import { normalizeUsername } from '../../../src/accounts/username.ts'

describe('user names', () => {
  test.each([
    ['John', 'john'],
    ['JOHN', 'john'],
    ['john ', 'john'],
    ['\tjohn\u00a0', 'john'],
    ['ｊｏｈｎ', 'john'],
    ['𝐉𝐨𝐡𝐧', 'john'],
    ['jo\u200bhn', 'john'],
    ['jo\u00adhn\ufeff', 'john'],
    ['Jose\u0301', 'jos\u00e9'],
    ['STRASSE', 'straße'],
    ['STRAẞE', 'straße'],
    ['ΟΔΟΣ', 'οδος']
  ])('case 103: %j is the same name as %j', (typed, other) => {
    expect(normalizeUsername(typed)).toBe(normalizeUsername(other))
  })

  test.each([
    ['john', 'jon'],
    ['dr.lee', 'drlee'],
    ['maria', 'marià'],
    ['a b', 'ab']
  ])('case 103: %j is not the same name as %j', (typed, other) => {
    expect(normalizeUsername(typed)).not.toBe(normalizeUsername(other))
  })

  test('the normal form of a normal form is itself, for every character', () => {
    const unstable: string[] = []
    for (let code = 0; code <= 0x10ffff; code += 1) {
      if (code >= 0xd800 && code <= 0xdfff) continue
      const once = normalizeUsername(`a${String.fromCodePoint(code)}b`)
      if (normalizeUsername(once) !== once) unstable.push(code.toString(16))
    }
    expect(unstable).toEqual([])
  })
})
