/**
 * Sends sign-in forms, as a program of its own so that it holds nobody up who measures: `--rate` a second until all are sent.
 * Forms come as JSON on standard input; what they were answered is printed as JSON.
 */
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'

export interface FloodForm {
  port: number
  path: string
  headers: Record<string, string>
  body: string
}

export interface FloodAnswers {
  /** How many had which status; 0: none. */
  statuses: Record<string, number>
  /** Refused for now, and not told when to come back. */
  withoutRetryAfter: number
}

const { values } = parseArgs({ options: { rate: { type: 'string', default: '1000000' } } })
const forms: FloodForm[] = JSON.parse(await text(process.stdin))
const agent = new Agent({ keepAlive: true })
const answers: FloodAnswers = { statuses: {}, withoutRetryAfter: 0 }

function send({ port, path, headers, body }: FloodForm): Promise<void> {
  return new Promise((resolve) => {
    const count = (status: number): void => {
      answers.statuses[status] = (answers.statuses[status] ?? 0) + 1
      resolve()
    }
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, (answer) => {
      const status = answer.statusCode ?? 0
      if ((status === 429 || status === 503) && !answer.headers['retry-after']) answers.withoutRetryAfter += 1
      answer.resume().once('end', () => count(status))
      answer.once('error', () => count(0))
    })
    sent.once('error', () => count(0))
    sent.end(body)
  })
}

const started = performance.now()
const all: Promise<void>[] = []
for (const [index, form] of forms.entries()) {
  const ahead = (index / Number(values.rate)) * 1000 - (performance.now() - started)
  if (ahead > 1) await wait(ahead)
  all.push(send(form))
}
await Promise.all(all)
agent.destroy()
process.stdout.write(JSON.stringify(answers))
