/**
 * Sealing: AES-256-GCM with a ring of keys. The first key seals, every key
 * opens, so a new key is put in front and the old one stays until all is sealed anew.
 * IVs are random: NIST SP 800-38D §8.3 allows 2^32 sealings under one key, then it must be rotated.
 *
 * Envelope: version (1), key id (1), IV (12), ciphertext, tag (16).
 */
import { createCipheriv, createDecipheriv, createSecretKey, randomFillSync } from 'node:crypto'
import type { Sealer } from '../store/sealed-store.ts'
import { RecordUnreadable } from '../store/store.ts'

const VERSION = 1
const HEADER = 2
const IV = 12
const TAG = 16
const OPTIONS = { authTagLength: TAG }
/** So many IVs are drawn at once: to draw one takes a third of what a sealing takes. */
const IVS_DRAWN = 16

export interface SealingKey {
  /** 1 to 255, kept in each envelope. */
  id: number
  key: Uint8Array
}

export function createSealer(keys: SealingKey[]): Sealer {
  const [current] = keys
  if (!current) throw new Error('there is no sealing key')
  for (const { id, key } of keys) {
    if (!Number.isInteger(id) || id < 1 || id > 255) throw new Error(`a sealing key's id is 1 to 255, but is ${id}`)
    if (key.length !== 32) throw new Error(`sealing key ${id} must have 32 bytes`)
  }
  // Made once: a key given as bytes is made into one at each use, which takes four times as long as the cipher.
  const ring = new Map(keys.map(({ id, key }) => [id, createSecretKey(key)]))
  const sealing = createSecretKey(current.key)
  if (ring.size !== keys.length) throw new Error('two sealing keys have the same id')
  const drawn = Buffer.alloc(IVS_DRAWN * IV)
  let used = drawn.length

  /** Never the same part of what was drawn twice. */
  function nextIv(): Uint8Array {
    if (used === drawn.length) {
      randomFillSync(drawn)
      used = 0
    }
    used += IV
    return drawn.subarray(used - IV, used)
  }

  return {
    keyId: current.id,

    keyIdOf: (sealed) => (sealed[0] === VERSION && sealed.length >= HEADER + IV + TAG ? sealed[1] : undefined),

    seal(plain, aad) {
      const sealed = Buffer.allocUnsafe(HEADER + IV + plain.length + TAG)
      sealed[0] = VERSION
      sealed[1] = current.id
      const iv = nextIv()
      sealed.set(iv, HEADER)
      const cipher = createCipheriv('aes-256-gcm', sealing, iv, OPTIONS)
      cipher.setAAD(Buffer.from(aad))
      sealed.set(cipher.update(plain), HEADER + IV)
      cipher.final()
      sealed.set(cipher.getAuthTag(), HEADER + IV + plain.length)
      return sealed
    },

    open(sealed, aad) {
      if (sealed.length < HEADER + IV + TAG || sealed[0] !== VERSION)
        throw new RecordUnreadable('not an envelope of this version')
      const id = sealed[1]
      const key = id === undefined ? undefined : ring.get(id)
      if (!key) throw new RecordUnreadable(`sealed with key ${id}, which is not in the ring`)
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(HEADER, HEADER + IV), OPTIONS)
      decipher.setAAD(Buffer.from(aad))
      decipher.setAuthTag(sealed.subarray(-TAG))
      try {
        const plain = decipher.update(sealed.subarray(HEADER + IV, -TAG))
        decipher.final()
        return plain
      } catch (cause) {
        throw new RecordUnreadable('changed, moved or sealed with another key', { cause })
      }
    }
  }
}
