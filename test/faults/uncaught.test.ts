/**
 * F28: a fault that nobody catches. In a handler it is that request's 500 (test/flows/faults.test.ts); anywhere else the
 * process says so, answers what it has begun, and ends with an exit code by which it is started anew. What is stored is whole.
 */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { authorize, introspect, newApp } from '../harness/app-client.ts'
import { newBrowser } from '../harness/browser.ts'
import { openRequest } from '../harness/half-request.ts'
import { type KeywardProcess, startProcess } from '../harness/keyward-process.ts'
import { startedWith } from '../harness/process-ids.ts'

let keyward: KeywardProcess
beforeAll(async () => {
  keyward = await startProcess({
    env: { NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, 'throwing.ts'))}` },
    change: (yaml) => yaml.replace(/^secondFactor: .*$/m, 'secondFactor: { patients: "off", clinicians: "off" }')
  })
})
afterAll(() => keyward?.stop())

test.each([
  ['thrown', '/throws-later', 'uncaughtException'],
  ['rejected', '/rejects', 'unhandledRejection']
])(
  'F28: what is %s beside a request ends the process in order: begun requests are answered, and it goes on where it was',
  async (_how, path, origin) => {
    const app = newApp(keyward.issuer)
    const { body } = await app.redeem(app.codeFrom(await authorize(newBrowser(keyward.issuer), app.authorizationUrl())))
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'heart-app',
      refresh_token: body.refresh_token ?? ''
    })
    const type = 'Content-Type: application/x-www-form-urlencoded'
    const begun = await openRequest(
      keyward.port,
      `POST /token HTTP/1.1\r\nHost: ${new URL(keyward.issuer).host}\r\n${type}\r\nContent-Length: ${form.toString().length}\r\nExpect: 100-continue\r\n\r\n`
    )
    expect(await begun.next()).toContain('100 Continue')

    const [pid] = startedWith(keyward.configFile)
    const when = performance.now()
    await fetch(`${keyward.issuer}${path}`).catch(() => undefined)
    const answer = await begun.finish(form.toString())
    expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*"refresh_token":"kw_rt_/)
    const ended = await keyward.terminate()
    expect(performance.now() - when).toBeLessThan(5000 + 3000)
    expect(ended.code).toBe(1)
    expect(startedWith(keyward.configFile)).not.toContain(pid)
    const fatal = ended.stdout.split('\n').filter((line) => line.includes('"level":"fatal"'))
    expect(fatal).toHaveLength(1)
    expect(fatal[0]).toContain(origin)
    expect(ended.stdout).toContain('"msg":"ended"')

    await keyward.startAgain()
    const refreshed = JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1))
    expect((await introspect(keyward.issuer, refreshed.access_token)).body).toMatchObject({ active: true })
    expect((await app.refresh(refreshed.refresh_token)).status).toBe(200)
    expect(await keyward.cli('audit', 'verify')).toMatchObject({ code: 0 })
  }
)
