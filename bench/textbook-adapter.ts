/**
 * A Redis adapter for oidc-provider written as its documentation shows one: a key for each record, a hash where a
 * record can be consumed, a list of keys for each Grant. Nothing of Keyward: it is what Keyward is compared with.
 */
import type { Redis } from 'ioredis'
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

const PREFIX = 'oidc:'
const CONSUMABLE = new Set(['AuthorizationCode', 'RefreshToken', 'DeviceCode', 'BackchannelAuthenticationRequest'])
const GRANTABLE = new Set([...CONSUMABLE, 'AccessToken'])

const grantKey = (grantId: string): string => `${PREFIX}grant:${grantId}`
const uidKey = (uid: string): string => `${PREFIX}uid:${uid}`
const userCodeKey = (userCode: string): string => `${PREFIX}userCode:${userCode}`

export function textbookAdapter(redis: Redis): AdapterFactory {
  return (model) => adapterOf(redis, model)
}

function adapterOf(redis: Redis, model: string): Adapter {
  const keyOf = (id: string): string => `${PREFIX}${model}:${id}`

  async function find(id: string): Promise<AdapterPayload | undefined> {
    if (!CONSUMABLE.has(model)) {
      const found = await redis.get(keyOf(id))
      return found === null ? undefined : JSON.parse(found)
    }
    const { payload, ...rest } = await redis.hgetall(keyOf(id))
    return payload === undefined ? undefined : { ...rest, ...JSON.parse(payload) }
  }

  async function findBy(pointer: string): Promise<AdapterPayload | undefined> {
    const id = await redis.get(pointer)
    return id === null ? undefined : find(id)
  }

  return {
    find,
    findByUid: (uid) => findBy(uidKey(uid)),
    findByUserCode: (userCode) => findBy(userCodeKey(userCode)),

    async upsert(id, payload, expiresIn = 0) {
      const key = keyOf(id)
      const multi = redis.multi()
      if (CONSUMABLE.has(model)) multi.hset(key, { payload: JSON.stringify(payload) })
      else multi.set(key, JSON.stringify(payload))
      if (expiresIn) multi.expire(key, expiresIn)
      if (GRANTABLE.has(model) && payload.grantId) {
        const list = grantKey(payload.grantId)
        multi.rpush(list, key)
        // The list lives as long as the longest-lived of its tokens.
        const left = await redis.ttl(list)
        if (expiresIn > left) multi.expire(list, expiresIn)
      }
      for (const pointer of [payload.userCode && userCodeKey(payload.userCode), payload.uid && uidKey(payload.uid)]) {
        if (!pointer) continue
        multi.set(pointer, id)
        if (expiresIn) multi.expire(pointer, expiresIn)
      }
      await multi.exec()
    },

    async consume(id) {
      await redis.hset(keyOf(id), 'consumed', Math.floor(Date.now() / 1000))
    },

    async destroy(id) {
      await redis.del(keyOf(id))
    },

    async revokeByGrantId(grantId) {
      const keys = await redis.lrange(grantKey(grantId), 0, -1)
      const multi = redis.multi()
      for (const key of keys) multi.del(key)
      multi.del(grantKey(grantId))
      await multi.exec()
    }
  }
}
