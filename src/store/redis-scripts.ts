/**
 * The decisions that Redis makes itself, since only there are they atomic. Each script's keys lie in one slot.
 * A value is the time it ends (8 bytes, big-endian double, 0: never), then the payload. Scripts are given the
 * time, so that one clock decides everywhere.
 */
import { createHash } from 'node:crypto'

export interface Script {
  readonly text: string
  readonly sha: string
}

const script = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') })

/**
 * KEYS: the records. ARGV: now, then four for each key: the condition ('none', 'absent' or 'same'),
 * the bytes for 'same', the new value ('' removes), milliseconds until Redis may collect it (0: never).
 */
export const COMMIT = script(`
local now = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  local condition = ARGV[i * 4 - 2]
  if condition ~= 'none' then
    local value = redis.call('GET', key)
    local ends = value and struct.unpack('>d', value)
    local live = value and (ends == 0 or ends > now)
    if condition == 'absent' and live then return 0 end
    if condition == 'same' and not (live and string.sub(value, 9) == ARGV[i * 4 - 1]) then return 0 end
  end
end
for i, key in ipairs(KEYS) do
  local value, px = ARGV[i * 4], ARGV[i * 4 + 1]
  if value == '' then redis.call('DEL', key)
  elseif px == '0' then redis.call('SET', key, value)
  else redis.call('SET', key, value, 'PX', px) end
end
return 1`)

/** KEYS: the counter. ARGV: now, lifetime, the most that it may count ('': any number). */
export const INCREMENT = script(`
local now, lifetime, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local value = redis.call('GET', KEYS[1])
local ends = value and struct.unpack('>d', value) or 0
local count = 1
if ends > now then count = tonumber(string.sub(value, 9)) + 1 else ends = now + lifetime end
if most and count > most then return count end
redis.call('SET', KEYS[1], struct.pack('>d', ends) .. count, 'PX', math.max(1, math.ceil(ends - now)))
return count`)

/** KEYS: the counter. ARGV: now. */
export const DECREMENT = script(`
local value = redis.call('GET', KEYS[1])
local ends = value and struct.unpack('>d', value) or 0
if ends <= tonumber(ARGV[1]) then return 0 end
local count = math.max(0, tonumber(string.sub(value, 9)) - 1)
redis.call('SET', KEYS[1], struct.pack('>d', ends) .. count, 'KEEPTTL')
return 1`)

/**
 * Enters a record in an index, a sorted set by expiry, and trims what has ended. KEYS: the index. ARGV: now, the record, its
 * score, a random step. Each call changes the record's score, upwards: SWEEP relies on it. No two records of an index have
 * the same score: paging relies on it. So a score may lie a little after the expiry.
 */
export const ENTER = script(`
local index, record = KEYS[1], ARGV[2]
local now, score, step = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4])
local text = function (number) return string.format('%.17g', number) end
redis.call('ZREMRANGEBYSCORE', index, '-inf', text(now))
local current = redis.call('ZSCORE', index, record)
if current and tonumber(current) >= score then score = tonumber(current) + 1 end
while redis.call('ZCOUNT', index, text(score), text(score)) > 0 do score = score + step end
redis.call('ZADD', index, text(score), record)
local last = tonumber(redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')[2])
if last >= 1e15 then redis.call('PERSIST', index) else redis.call('PEXPIRE', index, math.max(1, math.ceil(last - now))) end
return 1`)

/** A page of an index: record, score, record, score. KEYS: the index. ARGV: now, the score after which it begins, how many. */
export const PAGE = script(`
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])`)

/** Removes entries whose record is gone, unless they were entered anew since. KEYS: the index. ARGV: record, score, record, score. */
export const SWEEP = script(`
for i = 1, #ARGV, 2 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and tonumber(score) == tonumber(ARGV[i + 1]) then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return 1`)
