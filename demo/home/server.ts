/** The start page of the sample clinic: what to try, in order, with which account. */

import type { Addresses, SampleAccount } from '../directory.ts'
import { type CurrentCode, currentCode } from '../web/otp.ts'
import { html, page, script, styleRoutes } from '../web/page.ts'
import { type DemoServer, serve } from '../web/serve.ts'
import { journeys } from './journeys.ts'

interface HomeOptions {
  host: string
  port: number
  organization: string
  addresses: Addresses
  accounts: SampleAccount[]
  now: () => number
}

export function startHome({ host, port, organization, addresses, accounts, now }: HomeOptions): Promise<DemoServer> {
  const codes = async () =>
    Promise.all(accounts.map(async ({ totp }) => (totp === undefined ? undefined : currentCode(totp, now()))))

  return serve({
    host,
    port,
    routes: {
      ...styleRoutes,
      'GET /codes.js': () => script(new URL('./codes.js', import.meta.url)),
      'GET /codes': async () => ({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(Object.fromEntries((await codes()).map((code, at) => [accounts[at]?.username, code])))
      }),
      'GET /': async () => {
        const current = await codes()
        return page({
          title: 'Start here',
          site: organization,
          look: 'clinic',
          modules: ['/codes.js'],
          body: html`
<h1>Try the sample clinic</h1>
<p>This clinic keeps health records. Keyward guards them: it signs people in, asks them what an app may see, and lets them stop an
app again. Walk through it in this order.</p>
${journeys(addresses)}
${accountCards(accounts, current)}
${underTheHood(addresses)}`
        })
      }
    }
  })
}

function accountCards(accounts: SampleAccount[], codes: (CurrentCode | undefined)[]) {
  return html`
<h2 id="accounts">Accounts</h2>
<p>A code lasts 30 seconds and works once. If it was used already, wait for the next one.
<a href="/#accounts">Show the codes of this moment</a>.</p>
${accounts.map(({ username, name, describes, password, totp }, at) => {
  const current = codes[at]
  const code =
    current && totp
      ? html`<dt>Code now</dt><dd><span class="code large" data-code="${username}">${current.code}</span></dd>
<dt>Code key</dt><dd><span class="code">${totp}</span></dd>`
      : html`<dt>Code</dt><dd>Set up at the first sign-in: you scan a picture with an authenticator app, or type its key.</dd>`
  return html`<section class="card"><h3>${name}</h3><p class="soft">${describes}</p>
<dl><dt>User name</dt><dd><span class="code">${username}</span></dd>
<dt>Password</dt><dd><span class="code">${password}</span></dd>
${code}</dl></section>`
})}`
}

function underTheHood({ keyward, fhir, hospital, app, ehr, visits, carePlan, report, smartConfiguration }: Addresses) {
  const rows: [string, string, string][] = [
    ['Keyward', 'signs in, asks, and gives out access', `${keyward}/.well-known/openid-configuration`],
    ['Records (FHIR server)', 'asks Keyward about every request', `${fhir}/metadata`],
    ['How apps find Keyward', 'for this clinic’s records', smartConfiguration],
    ['Records of Riverside Hospital', 'a FHIR server of its own, behind the same Keyward', `${hospital}/metadata`],
    ['Whose records', 'the houses, as apps list them', `${keyward}/brands`],
    ['For developers', 'where Devi Rao, who makes apps, adds one', `${keyward}/developer`],
    ['Heart App', 'a sample app, on the fhirclient package', `${app}/`],
    ['Clinic EHR', 'opens apps for a patient and a visit', `${ehr}/`],
    ['My Visits', 'an app with a server, which has a secret', visits],
    ['My Care Plan', 'an app with a server, which has a key', carePlan],
    ['Nightly Report', 'a program that reads by itself', `${report}/`]
  ]
  return html`
<h2>What is running</h2>
<table class="stack"><thead><tr><th scope="col">Part</th><th scope="col">What it does</th><th scope="col">Address</th></tr></thead><tbody>
${rows.map(([part, does, address]) => html`<tr><th scope="row">${part}</th><td>${does}</td><td><a href="${address}">${address}</a></td></tr>\n`)}
</tbody></table>`
}
