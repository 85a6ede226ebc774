/**
 * What Keyward keeps of the engine's documents, beside what the engine says itself: the first that asks is answered by the
 * engine, the next ones with what was kept, and an engine of its own over the same store signs with the same keys.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PUBLISHED_FIRST } from '../../src/keys/signing-ring.ts'
import { type BareEngine, startBareEngine } from '../harness/bare-engine.ts'
import { type Keyward, STORES, startKeyward, storeOf } from '../harness/keyward.ts'

describe.each(STORES)('documents that are kept, on %s', (store) => {
  let keyward: Keyward
  let engine: BareEngine
  beforeAll(async () => {
    keyward = await startKeyward({ store })
    expect(await storeOf(keyward.issuer)).toBe(store)
    engine = await startBareEngine(keyward)
  })
  afterAll(async () => {
    engine.stop()
    await keyward.stop()
  })

  async function read(url: string) {
    const answer = await fetch(url)
    const type = answer.headers.get('content-type')
    return { status: answer.status, type, body: await answer.json(), cache: answer.headers.get('cache-control') }
  }

  test.each(['/jwks', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'])(
    'the first that reads %s gets what the next ones get',
    async (path) => {
      const first = await read(`${keyward.issuer}${path}`)
      expect(first.status).toBe(200)
      for (let more = 0; more < 2; more += 1) expect(await read(`${keyward.issuer}${path}`)).toEqual(first)
    }
  )

  test('the keys, and how they are labelled, are what the engine publishes', async () => {
    const { cache, ...kept } = await read(`${keyward.issuer}/jwks`)
    const { cache: _, ...itself } = await read(`${engine.url}/jwks`)
    expect(kept).toEqual(itself)
    expect(JSON.stringify(kept.body)).not.toMatch(/"(d|p|q|dp|dq|qi)":/)
    expect(cache).toMatch(/^public, max-age=\d+$/)
  })

  test('an app that keeps the keys for as long as it may knows each key before it signs', async () => {
    const { cache } = await read(`${keyward.issuer}/jwks`)
    expect(Number(/max-age=(\d+)/.exec(cache ?? '')?.[1]) * 1000).toBeLessThan(PUBLISHED_FIRST / 2)
  })

  test.each(['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'])(
    '%s speaks of Keyward alone, whoever asked first',
    async (path) => {
      const { body } = await read(`${keyward.issuer}${path}`)
      const addresses = Object.entries(body as object).filter(([name]) => /(_endpoint|_uri|^issuer)$/.test(name))
      expect(addresses.length).toBeGreaterThan(5)
      for (const [, address] of addresses) expect(String(address).startsWith(keyward.issuer)).toBe(true)
    }
  )
})
