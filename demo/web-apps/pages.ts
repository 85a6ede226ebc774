/** The pages of the two web apps. */
import { html, type Markup, page } from '../web/page.ts'
import type { Answer } from '../web/serve.ts'
import type { View } from './records.ts'

export interface Look {
  name: string
  /** The path of the app's first page. */
  start: string
  /** With what the app proves itself, in words. */
  proof: string
  /** Keyward's page on which people stop apps. */
  account: string
}

interface Shown {
  name: string
  patient: string
  fhirUser: string
  scope: string
  refreshToken: string | undefined
  tables: { view: View; rows: [string, string][] }[]
  said: string | undefined
}

function framed({ name }: Look, title: string, body: Markup, status = 200): Answer {
  return page({ title, site: name, look: 'app', body, status })
}

export function connectPage(look: Look): Answer {
  const { name, start, proof } = look
  return framed(
    look,
    'Connect',
    html`
<h1>${name}</h1>
<p>${name} shows what your clinic keeps. You sign in at your clinic, and there you decide what we may see.</p>
<p><a class="button" href="${start}connect">Connect to my clinic</a></p>
<p class="note">For developers: this app has a server. It proves itself with ${proof}, and the browser never holds its tokens.</p>`
  )
}

export function connectedPage(look: Look, { name, patient, fhirUser, scope, refreshToken, tables, said }: Shown): Answer {
  const { start, proof, account } = look
  return framed(
    look,
    'Connected',
    html`
<h1>${look.name}</h1>
${said ? html`<p role="status">${said}</p>` : ''}
<dl>
<dt>Record of</dt><dd data-testid="patient">${name} (Patient/${patient})</dd>
<dt>Signed in</dt><dd data-testid="user">${fhirUser}</dd>
<dt>Can look again later</dt><dd data-testid="offline">${refreshToken ? 'yes' : 'no'}</dd>
</dl>
${tables.map(({ view, rows }, at) => table(view, rows, at))}
${refreshToken ? html`<form method="post" action="${start}renew"><button>Renew access</button></form>` : ''}
<form method="post" action="${start}disconnect"><button class="quiet">Disconnect</button></form>
<p class="note">You can stop ${look.name} at any time: <a href="${account}">your account page at the clinic</a>.</p>
<details><summary>For developers: how it is connected</summary>
<p>The app proves itself with ${proof}. Its tokens stay on its server. It was given:</p>
<p><code data-testid="scope">${scope}</code></p></details>`
  )
}

function table({ heading, columns }: View, rows: [string, string][], at: number): Markup {
  if (rows.length === 0) return html`<h2>${heading}</h2><p>Nothing came: not shared, or nothing there.</p>`
  return html`
<h2 id="table-${at}">${heading}</h2>
<table class="stack" aria-labelledby="table-${at}">
<thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>${rows.map(([first, second]) => html`<tr><th scope="row">${first}</th><td>${second}</td></tr>\n`)}</tbody></table>`
}

export function problemPage(look: Look, reason: string): Answer {
  const body = html`<h1>${look.name} is not connected</h1>
<p class="notice" role="alert">${reason}</p>
<p><a class="button" href="${look.start}connect">Connect anew</a></p>`
  return framed(look, 'Not connected', body, 400)
}
