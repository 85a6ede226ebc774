/** The start page of the sample clinic: what to try, in order, with which account. */

import type { Addresses, SampleAccount } from '../directory.ts'
import { type CurrentCode, currentCode } from '../web/otp.ts'
import { html, page, script, styleRoutes } from '../web/page.ts'
import { type DemoServer, serve } from '../web/serve.ts'

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

function journeys({ keyward, app, ehr }: Addresses) {
  return html`
<ol class="journeys">
<li class="card"><h2>A parent shares her child’s record</h2>
<p>Maria Diaz wants an app to show her son’s heart health.</p>
<ol>
<li>Open Heart App and choose <strong>Connect to my clinic</strong>.</li>
<li>Sign in as <code>maria</code>, with the password and the code below.</li>
<li>Pick Leo. Turn off one kind of data. Then share.</li>
<li>Heart App shows what it got, and what it was refused.</li>
</ol>
<p><a class="button" href="${app}/" target="_blank" rel="noopener">Open Heart App</a></p></li>
<li class="card"><h2>A doctor opens the app from the patient’s chart</h2>
<p>Dr Ana Lee is with Leo, and opens Heart App for this visit.</p>
<ol>
<li>Open the Clinic EHR, the program in which doctors work.</li>
<li>Choose a visit of Leo’s.</li>
<li>Sign in as <code>dr.lee</code>. Heart App opens with Leo and the visit already chosen.</li>
</ol>
<p class="note">One browser is signed in as one person. Use a private window, or sign Maria out on <a href="${keyward}/account">her account
page</a> first.</p>
<p><a class="button" href="${ehr}/" target="_blank" rel="noopener">Open the Clinic EHR</a></p></li>
<li class="card"><h2>The parent stops the app</h2>
<p>Maria changes her mind. From that moment Heart App sees nothing more.</p>
<ol>
<li>Open Maria’s account page and choose <strong>Stop</strong> beside Heart App.</li>
<li>Go back to Heart App and choose <strong>Look again</strong>.</li>
</ol>
<p><a class="button" href="${keyward}/account" target="_blank" rel="noopener">Open the account page</a></p></li>
</ol>`
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

function underTheHood({ keyward, fhir, app, ehr, smartConfiguration }: Addresses) {
  const rows: [string, string, string][] = [
    ['Keyward', 'signs in, asks, and gives out access', `${keyward}/.well-known/openid-configuration`],
    ['Records (FHIR server)', 'asks Keyward about every request', `${fhir}/metadata`],
    ['How apps find Keyward', 'for this clinic’s records', smartConfiguration],
    ['Heart App', 'a sample app, on the fhirclient package', `${app}/`],
    ['Clinic EHR', 'opens apps for a patient and a visit', `${ehr}/`]
  ]
  return html`
<h2>What is running</h2>
<table class="stack"><thead><tr><th scope="col">Part</th><th scope="col">What it does</th><th scope="col">Address</th></tr></thead><tbody>
${rows.map(([part, does, address]) => html`<tr><th scope="row">${part}</th><td>${does}</td><td><a href="${address}">${address}</a></td></tr>\n`)}
</tbody></table>`
}
