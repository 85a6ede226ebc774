/** Every record under an index of the store, however many: page after page, of which one is in memory at a time. */
import type { Kind, Store } from './store.ts'

const PAGE = 100

export async function* everyListed<T>(
  store: Pick<Store, 'list'>,
  kind: Kind<T>,
  index: { name: string; value: string }
): AsyncGenerator<T> {
  let after: string | undefined
  do {
    const { records, next } = await store.list(kind, index, { limit: PAGE, ...(after === undefined ? {} : { after }) })
    yield* records
    after = next
  } while (after !== undefined)
}
