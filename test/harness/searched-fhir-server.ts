/** Keyward beside a FHIR server that it may search: both started before the first test of a group, ended after its last. */
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { type FhirServerUnderTest, searching, startFhirServerUnderTest } from './fhir-server.ts'
import { type Keyward, type StoreName, startKeyward, storeOf } from './keyward.ts'

interface Started {
  fhir: FhirServerUnderTest
  keyward: Keyward
}

/** `use` is handed both. After each test the FHIR server answers as it should again. */
export function searchedFhirServer(
  store: StoreName,
  use: (started: Started) => void,
  change: (config: Config) => Config = (config) => config
): void {
  let fhir: FhirServerUnderTest | undefined
  let keyward: Keyward | undefined
  beforeAll(async () => {
    const searched = await startFhirServerUnderTest()
    fhir = searched
    keyward = await startKeyward({ store, change: (config) => change(searching(searched)(config)) })
    searched.introspectAt(keyward.issuer)
    expect(await storeOf(keyward.issuer)).toBe(store)
    use({ fhir: searched, keyward })
  })
  afterEach(() => fhir?.answer())
  afterAll(async () => {
    await keyward?.stop()
    await fhir?.stop()
  })
}
