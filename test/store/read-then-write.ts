/** The mistake that the contract must catch: conditions are looked at first, and the write comes after. */
import type { StoreDriver } from '../../src/store/driver.ts'

export function readThenWrite(driver: StoreDriver): StoreDriver {
  return {
    ...driver,
    async commit(writes) {
      for (const { place, condition } of writes) {
        const found = await driver.get(place)
        if (condition === 'absent' && found) return false
        if (condition instanceof Uint8Array && (!found || Buffer.compare(found, condition) !== 0)) return false
      }
      return driver.commit(writes.map((write) => ({ ...write, condition: 'none' as const })))
    }
  }
}
