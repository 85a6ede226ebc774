/** The stock server as it is measured, and what is put into its store beforehand. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../test/harness/free-port.ts'
import { APP, type BenchService, newKeys, WITH_ID_TOKEN } from './clinic.ts'
import { type SeededGrant, seeds } from './seeds.ts'
import { startServer } from './servers.ts'
import type { Side } from './side.ts'
import { createStockProvider, type StockSettings } from './stock-provider.ts'

export interface StockOptions {
  folder: string
  redisUrl: string
  jwks: StockSettings['jwks']
  clientsInStore: boolean
  services: readonly BenchService[]
}

export async function startStock({ folder, services, ...options }: StockOptions): Promise<Side> {
  const port = await freePort()
  const published = services.map(({ id, key: { alg, jwk } }) => ({ id, alg, jwk: { ...jwk, kty: jwk.kty ?? '' } }))
  const settings: StockSettings = { ...options, port, cookieKey: newKeys().cookie, services: published }
  const file = join(folder, `stock-${port}.json`)
  writeFileSync(file, JSON.stringify(settings), { mode: 0o600 })
  const { provider, redis } = await createStockProvider(settings)
  const start = (nodeOptions: string[] = []) =>
    startServer({
      script: 'stock-server.ts',
      words: [file],
      port,
      folder,
      ready: '/.well-known/openid-configuration',
      nodeOptions
    })

  async function newGrant(_index: number, scope: string): Promise<SeededGrant> {
    const accountId = randomBytes(16).toString('base64url')
    const grant = new provider.Grant({ accountId, clientId: APP.id })
    grant.addOIDCScope(scope)
    return { accountId, grantId: await grant.save() }
  }

  const side: Side = {
    name: 'stock',
    server: await start(),
    seeds: {
      ...seeds({ provider, newGrant, named: false, scope: WITH_ID_TOKEN }),
      // Its accounts are the deployer's own business: they cost it nothing here.
      people: async () => undefined,
      close: async () => void redis.disconnect()
    },
    paths: { authorize: '/auth', token: '/token', introspect: '/token/introspection', jwks: '/jwks' },
    async restart(nodeOptions) {
      await side.server.stop()
      side.server = await start(nodeOptions)
    },
    async stop() {
      await side.seeds.close()
      await side.server.stop()
    }
  }
  return side
}
