/**
 * F12: one of two replicas is told to end, again and again, while apps and FHIR servers go on asking through a load
 * balancer that does nothing twice. Nobody notices: no connection is reset, no answer is a 5xx.
 */
import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type HalfRequest, openRequest } from '../harness/half-request.ts'
import { type LoadBalancer, startLoadBalancer } from './load-balancer.ts'
import { newPerson, type Person } from './person.ts'
import { type Attempt, introspecting, newRecorder, refreshing } from './recorder.ts'
import { type Replicas, startReplicas } from './replicas.ts'
import { rounds, timeFor } from './rounds.ts'

const ENDINGS = rounds(3, 20)
const WORKERS = 4
/** Between two requests of one of them, in milliseconds: about 50 a second together. */
const PAUSE = 80
/** Many times what the load balancer needs to notice, on a machine that is busy with other things as well. */
const DRAIN_DELAY = 3
const PROBE_EVERY = 50

let replicas: Replicas
let balancer: LoadBalancer
let person: Person
beforeAll(async () => {
  replicas = await startReplicas('redis', { drainDelay: `${DRAIN_DELAY}s` })
  balancer = await startLoadBalancer(replicas.ports, { probeEvery: PROBE_EVERY })
  person = await newPerson(replicas.issuer, newRecorder(replicas.issuer), replicas.first.port)
})
afterAll(async () => {
  await balancer?.stop()
  await replicas?.stop()
})

interface Answered {
  status: number
  text: string
  connection: string | undefined
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
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text, connection: answer.headers.connection }))
      answer.once('error', failed)
    })
    sent.once('error', failed)
    sent.end(body)
  })
}

/** Asks on and on; what it was answered that it should not have been. */
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
    const answer = await send(asked % 4 < 2 ? introspecting(balancer.port, access) : refreshing(balancer.port, refresh), agent)
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

test('F12: from SIGTERM on it is not ready, and still takes requests, whose connections it ends, until its delay is over', async () => {
  const { port } = replicas.second
  const { access } = await person.tokens()
  const ending = replicas.second.terminate()
  const readiness = async (): Promise<unknown> => (await fetch(`http://127.0.0.1:${port}/readyz`)).json()
  await expect.poll(readiness).toEqual({ status: 'not-ready', reason: 'draining' })
  expect(await send(introspecting(port, access), new Agent({ keepAlive: true }))).toMatchObject({
    status: 200,
    connection: 'close',
    text: expect.stringContaining('"active":true')
  })
  expect((await ending).code).toBe(0)
  await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow()
  await replicas.second.startAgain()
})

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
  `F12: SIGTERM under load, %s, ${ENDINGS} times: nothing is reset, no 5xx, and it ends in order`,
  async (_how, keepAlive) => {
    await expect.poll(() => balancer.inService().length, { timeout: 30_000 }).toBe(2)
    const faultsBefore = balancer.faults.length
    const over = new AbortController()
    const working: ReturnType<typeof work>[] = []
    for (let count = 0; count < WORKERS; count++) working.push(work(await person.tokens(), keepAlive, over.signal))
    try {
      for (let ending = 0; ending < ENDINGS; ending++) {
        await wait(200 + 37 * ending)
        const before = balancer.given.get(replicas.second.port) ?? 0
        expect((await replicas.second.terminate()).code).toBe(0)
        await replicas.second.startAgain()
        await expect.poll(() => balancer.inService().length, { timeout: 30_000 }).toBe(2)
        await expect.poll(() => balancer.given.get(replicas.second.port), { timeout: 30_000 }).toBeGreaterThan(before)
      }
    } finally {
      over.abort()
    }
    const outcomes = await Promise.all(working)
    expect(outcomes.flatMap(({ wrong }) => wrong)).toEqual([])
    expect(balancer.faults.slice(faultsBefore)).toEqual([])
    expect(Math.min(...outcomes.map(({ asked }) => asked))).toBeGreaterThan(ENDINGS * 5)
  },
  timeFor(ENDINGS, 20_000)
)
