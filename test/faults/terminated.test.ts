/**
 * F12: one of two replicas is told to end while apps and FHIR servers go on asking both in turn, as through a load
 * balancer: who can't connect, or is cut off without an answer, is sent to the other one. The listener closes at once,
 * so a connection that nobody has taken yet is reset; that nothing was carried out for it shows in the second try,
 * which would be refused.
 */
import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type HalfRequest, openRequest } from '../harness/half-request.ts'
import { newPerson, type Person } from './person.ts'
import { type Attempt, introspecting, newRecorder, refreshing } from './recorder.ts'
import { type Replicas, startReplicas } from './replicas.ts'
import { rounds, timeFor } from './rounds.ts'

const ENDINGS = rounds(3, 200)
const WORKERS = 4
/** Between two requests of one of them, in milliseconds: about 50 a second together. */
const PAUSE = 80

let replicas: Replicas
/** Where the load balancer sends requests: a replica that is not ready yet gets none, one that is ending still may. */
let inService: number[]
let person: Person
beforeAll(async () => {
  replicas = await startReplicas('redis')
  inService = [...replicas.ports]
  person = await newPerson(replicas.issuer, newRecorder(replicas.issuer), replicas.first.port)
})
afterAll(() => replicas?.stop())

const UNSERVED = new Set(['ECONNREFUSED', 'ECONNRESET'])

interface Answered {
  status: number
  text: string
}

/** An answer, or why there is none. */
function send({ port, path, form, headers }: Attempt, agent: Agent): Promise<Answered | { fault: string }> {
  const body = new URLSearchParams(form).toString()
  const named = { Host: new URL(replicas.issuer).host, 'Content-Type': 'application/x-www-form-urlencoded', ...headers }
  return new Promise((resolve) => {
    const failed = (problem: Error) => resolve({ fault: 'code' in problem ? String(problem.code) : problem.message })
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers: named }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk) => {
        text += chunk
      })
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      answer.once('error', failed)
    })
    sent.once('error', failed)
    sent.end(body)
  })
}

/** Asks on and on, each replica in turn; what it was answered that it should not have been. */
async function work(
  tokens: { access: string; refresh: string },
  keepAlive: boolean,
  until: AbortSignal
): Promise<{ asked: number; wrong: string[] }> {
  const agent = new Agent({ keepAlive })
  const wrong: string[] = []
  let { access, refresh } = tokens
  let asked = 0
  while (!until.aborted) {
    const make = (port: number) => (asked % 4 < 2 ? introspecting(port, access) : refreshing(port, refresh))
    let answer = await send(make(inService[asked % inService.length] ?? 0), agent)
    if ('fault' in answer && UNSERVED.has(answer.fault)) answer = await send(make(replicas.first.port), agent)
    if ('fault' in answer) wrong.push(answer.fault)
    else if (answer.status !== 200) wrong.push(`${answer.status} ${answer.text}`)
    else {
      const body = JSON.parse(answer.text)
      if (body.active === false) wrong.push('inactive')
      access = body.access_token ?? access
      refresh = body.refresh_token ?? refresh
    }
    asked += 1
    await wait(PAUSE)
  }
  agent.destroy()
  return { asked, wrong }
}

test('F12: SIGTERM with 12 refreshes begun: each is answered with its tokens, and it ends in order', async () => {
  const { port } = replicas.second
  const { host } = new URL(replicas.issuer)
  const begun: { half: HalfRequest; body: string }[] = []
  for (let count = 0; count < 12; count++) {
    const { path, form } = refreshing(port, (await person.tokens()).refresh)
    const body = new URLSearchParams(form).toString()
    const type = 'Content-Type: application/x-www-form-urlencoded'
    const head = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${type}\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`
    const half = await openRequest(port, head)
    expect(await half.next()).toContain('100 Continue')
    begun.push({ half, body })
  }
  replicas.second.signal('SIGTERM')
  for (const answer of await Promise.all(begun.map(({ half, body }) => half.finish(body)))) {
    expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*"refresh_token":"kw_rt_/)
  }
  expect((await replicas.second.terminate()).code).toBe(0)
  await replicas.second.startAgain()
})

test.each([
  ['a connection for each request', false],
  ['connections that are kept', true]
])(
  'F12: SIGTERM under load, %s: no 5xx, nothing lost, and it ends in order',
  async (_how, keepAlive) => {
    const over = new AbortController()
    const working: ReturnType<typeof work>[] = []
    for (let count = 0; count < WORKERS; count++) working.push(work(await person.tokens(), keepAlive, over.signal))
    try {
      for (let ending = 0; ending < ENDINGS; ending++) {
        await wait(200 + 37 * ending)
        expect((await replicas.second.terminate()).code).toBe(0)
        inService = [replicas.first.port]
        await replicas.second.startAgain()
        inService = [...replicas.ports]
      }
    } finally {
      over.abort()
    }
    const outcomes = await Promise.all(working)
    expect(outcomes.flatMap(({ wrong }) => wrong)).toEqual([])
    expect(Math.min(...outcomes.map(({ asked }) => asked))).toBeGreaterThan(ENDINGS * 5)
  },
  timeFor(ENDINGS, 10_000)
)
