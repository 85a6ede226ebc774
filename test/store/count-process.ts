/** Another process on the same store: adds one to a record, again and again. */
import { createSealer } from '../../src/keys/sealing.ts'
import { openDriver } from '../../src/store/open-store.ts'
import { createStore } from '../../src/store/sealed-store.ts'

const [url = '', kindName = '', id = '', rounds = '0'] = process.argv.slice(2)
const key = (name: string) => Buffer.from(process.env[name] ?? '', 'hex')
const now = Date.now
const driver = await openDriver(url, { now })
const store = createStore({
  driver,
  sealer: createSealer([{ id: 1, key: key('SEALING_KEY') }]),
  lookupKey: key('LOOKUP_KEY'),
  now
})
const kind: { name: string; record?: number } = { name: kindName }
for (let i = 0; i < Number(rounds); i += 1) await store.update(kind, id, (count) => count + 1)
await store.close()
