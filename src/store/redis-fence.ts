/**
 * The mark in Redis: the run id of the server that wrote it, which every start of a server changes, and not-before. Each
 * connection looks at it before its first command, and all do again every second, for an emptied store ends no connection.
 * Looking and setting are one step in the server itself: nothing can be redeemed at a server that has not been looked at.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { Command, type Redis } from 'ioredis'
import { createFence, type FenceNews, firstNotBefore, nextSecond, type StoreFence } from './fence.ts'
import type { Ask, ReplicaWrites } from './redis-replicas.ts'

/**
 * KEYS: the mark. ARGV: not-before where it is another's, not-before where there is none, the server that this process wrote
 * to so far ('': none), when it last did. A mark is another's also where this server has set it while that process still wrote
 * elsewhere: what was spent there is not known here. A user who may not ask INFO is told of it by redis-settings.ts.
 */
const LOOK = `
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or 'none'
local known, since = string.match(redis.call('GET', KEYS[1]) or '', '^(%w+) (%d+)$')
local soon, fresh, mine, sent = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local why
if not known then why, since = 'empty', fresh
elseif known ~= run or (mine ~= '' and mine ~= run and sent >= tonumber(since)) then
  why = 'other-server'
  if tonumber(soon) > tonumber(since) then since = soon end
else return {run, since, 'known'} end
redis.call('SET', KEYS[1], run .. ' ' .. since)
return {run, since, why}`

/** In milliseconds: between a fence that is raised and its second. Another machine's clock may be ahead. */
const LONGEST_WAIT = 1000
const TIMER_EARLY = 2

/** Commands that a connection needs before it can look, and that touch no record. */
const FREE = new Set('hello auth select client readonly readwrite cluster info time ping quit wait'.split(' '))

/** Keys of the slots that a server holds; the first is looked at, the others are for whom a slot is given later. */
export type MarksOf = (ask: Ask) => Promise<string[]>

export interface RedisFence {
  readonly fence: StoreFence
  /** From now on this server is sent nothing before it has been looked at. */
  guard(server: Redis, name: string, marksOf: MarksOf): void
  /** At every server that is written to. */
  lookAgain(servers: Redis[]): Promise<void>
}

interface Guarded {
  look(): Promise<void>
  /** Its next command makes it be looked at. */
  forget(): void
}

export function redisFence(now: () => number, { sent }: Pick<ReplicaWrites, 'sent'>): RedisFence {
  const fence = createFence()
  const guarded = new Map<Redis, Guarded>()
  /** By mark: the server that this process has written to. */
  const writtenTo = new Map<string, string>()
  let lastSent = 0
  let isKnown = false

  /** The time from which on the server may be used. */
  async function lookAt(name: string, marks: string[], ask: Ask): Promise<number> {
    const [mark, ...others] = marks
    if (mark === undefined) throw new Error(`${name} holds no slots`)
    const at = now()
    const isSeen = isKnown || writtenTo.has(mark)
    const fresh = isSeen ? nextSecond(at) : firstNotBefore(at)
    const answer = await ask('eval', LOOK, 1, mark, nextSecond(at), fresh, writtenTo.get(mark) ?? '', lastSent)
    const [run = '', since = '', found] = Array.isArray(answer) ? answer.map(String) : []
    const notBefore = Number(since)
    const why = reasonOf(found, notBefore, isSeen)
    isKnown ||= found !== 'empty'
    if (found === 'empty' || writtenTo.get(mark) !== run)
      await Promise.all(others.map((other) => ask('set', other, `${run} ${since}`, 'NX')))
    writtenTo.set(mark, run)
    fence.raise(notBefore, why && { why, server: name, notBefore })
    return notBefore
  }

  function reasonOf(found: string | undefined, notBefore: number, isSeen: boolean): FenceNews['why'] | undefined {
    if (found === 'other-server') return found
    if (found === 'empty') return isSeen ? 'empty' : 'new'
    return isSeen && notBefore > fence.notBefore() ? 'elsewhere' : undefined
  }

  return {
    fence,

    guard(server, name, marksOf) {
      const send = server.sendCommand.bind(server)
      const ask: Ask = (command, ...words) => {
        const asked = new Command(command, words, { replyEncoding: 'utf8' })
        send(asked)
        return asked.promise
      }
      /** Of this connection, not of one before it. */
      let looking: Promise<void> | undefined
      let isOpen = false

      const look = async (): Promise<number> => lookAt(name, await marksOf(ask), ask)
      function forget(): void {
        looking = undefined
        isOpen = false
      }
      /** Lets no command through before that time: what is issued from then on does not look older than the fence. */
      function openFrom(finding: Promise<number>): Promise<void> {
        isOpen = false
        const mine = finding
          .then((from) => (from > now() ? wait(Math.min(from - now(), LONGEST_WAIT) + TIMER_EARLY) : undefined))
          .then(() => {
            if (looking === mine) isOpen = true
          })
          .catch((fault: unknown) => {
            if (looking === mine) forget()
            throw fault
          })
        looking = mine
        return mine
      }

      server.on('close', forget)
      server.on('ready', () => void (looking ?? openFrom(look())).catch(() => undefined))
      server.sendCommand = (command, stream) => {
        if (server.status !== 'ready' || FREE.has(command.name)) return send(command, stream)
        lastSent = now()
        const pass = (): void => {
          send(command, stream)
          sent(command, ask)
        }
        if (isOpen) pass()
        else (looking ?? openFrom(look())).then(pass, (fault: Error) => command.reject(fault))
        return command.promise
      }
      server.once('end', () => guarded.delete(server))
      guarded.set(server, {
        forget,
        async look() {
          if (server.status !== 'ready') return
          if (!isOpen) return looking ?? openFrom(look())
          const from = await look()
          if (isOpen && from > now()) await openFrom(Promise.resolve(from))
        }
      })
    },

    async lookAgain(servers) {
      for (const [server, { forget }] of guarded) if (!servers.includes(server)) forget()
      isKnown = true
      await Promise.all(servers.map((server) => guarded.get(server)?.look()))
    }
  }
}
