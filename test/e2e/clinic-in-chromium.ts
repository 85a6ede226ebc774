/** The sample clinic and a Chromium for one test file: started before its first test, ended after its last. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import { type StoreName, storeOf } from '../harness/keyward.ts'
import { type RedisServer, startRedis } from '../harness/redis-server.ts'
import { startChromium } from './chromium.ts'
import { type ClinicUnderTest, startClinicUnderTest } from './clinic-under-test.ts'

interface Started {
  clinic: ClinicUnderTest
  browser: Browser
}

/** `use` is handed both, before the first test. */
export function clinicInChromium(use: (started: Started) => void, store: StoreName = 'sqlite'): void {
  let redis: RedisServer | undefined
  let clinic: ClinicUnderTest | undefined
  let browser: Browser | undefined
  beforeAll(async () => {
    if (store === 'redis') redis = await startRedis()
    clinic = await startClinicUnderTest(redis?.url)
    browser = await startChromium()
    expect(await storeOf(clinic.addresses.keyward)).toBe(store)
    use({ clinic, browser })
  })
  afterAll(async () => {
    await browser?.close()
    await clinic?.stop()
    await redis?.stop()
  })
}
