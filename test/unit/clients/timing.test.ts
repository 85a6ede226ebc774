/** Case 41: how long a refusal takes doesn't say whether there is such a client. */
import { beforeAll, expect, test } from 'vitest'
import { createClientAuthenticator } from '../../../src/clients/authenticate.ts'
import { createClients } from '../../../src/clients/clients.ts'
import { parseConfig } from '../../../src/config/read-config.ts'
import { clinicYaml } from '../../harness/clinic-config.ts'
import { openOn } from '../../store/engine.ts'

const SAMPLES = 500
const WARMING = 200

let refuse: (name: string) => Promise<void>
beforeAll(async () => {
  const { clients: configured, issuer } = parseConfig(clinicYaml({ port: 9000 }), { env: {}, baseDir: '.' })
  const clients = createClients({ configured, issuer, store: await openOn('sqlite::memory:') })
  const assertions = { check: async () => Promise.reject(new Error('there is no assertion here')) }
  const authenticator = createClientAuthenticator({ clients, assertions })
  refuse = async (name) => {
    const authorization = `Basic ${btoa(`${name}:a-wrong-secret-of-thirty-two-chars`)}`
    const answer = await authenticator.authenticate({ authorization, form: {} })
    if (answer.ok) throw new Error('a wrong secret is accepted')
  }
})

async function timed(name: string): Promise<number> {
  const began = process.hrtime.bigint()
  await refuse(name)
  return Number(process.hrtime.bigint() - began)
}

/** Taken in turn, so that whatever slows the machine down slows both: their medians stay close. */
async function ratioOfMedians(one: string, other: string): Promise<number> {
  const taken: [number[], number[]] = [[], []]
  for (let sample = 0; sample < WARMING + SAMPLES; sample++) {
    const pair = [await timed(one), await timed(other)] as const
    if (sample >= WARMING) taken.forEach((all, at) => void all.push(pair[at] ?? 0))
  }
  return median(taken[0]) / median(taken[1])
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

test(`case 41: an unknown client and a wrong secret, ${SAMPLES} samples each: the medians differ by less than a fifth`, async () => {
  // 'lab-app' is registered; the other name is as long.
  const ratios = [await ratioOfMedians('lab-app', 'not-app'), await ratioOfMedians('lab-app', 'nobodys')]
  for (const ratio of ratios) {
    expect(ratio).toBeGreaterThan(0.8)
    expect(ratio).toBeLessThan(1.25)
  }
}, 60_000)
