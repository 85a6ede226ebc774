/**
 * Heart App: a sample SMART app. All that it knows of OAuth is the unmodified `fhirclient` package, in the browser. It is
 * registered twice: for everybody, and for doctors, to whom their clinic has given it.
 */
import { readFile } from 'node:fs/promises'
import type { BrowserApp, FhirParty } from '../parties.ts'
import { html, page, script, styleRoutes } from '../web/page.ts'
import { type DemoServer, serve, text } from '../web/serve.ts'
import { scopeChoices } from './scope-choices.ts'

interface AppOptions {
  host: string
  port: number
  app: BrowserApp
  doctorsApp: BrowserApp
  /** Those that this app connects to, and no others. */
  fhirServers: FhirParty[]
  issuer: string
  /** Origins of the EHR's pages: they may show the app in a frame, and say how it should look. */
  embeddedBy: string[]
}

const site = 'Heart App'
const look = 'app'

export async function startApp(options: AppOptions): Promise<DemoServer> {
  const { host, port, app, doctorsApp, fhirServers, issuer, embeddedBy } = options
  const fhirClient = await readFile(new URL(import.meta.resolve('fhirclient/build/fhir-client.js')))
  const own = (name: string) => () => script(new URL(`./browser/${name}`, import.meta.url))
  const known = fhirServers.map(({ baseUrl }) => baseUrl)
  const launch = (one: BrowserApp) => ({ [`GET ${new URL(one.launchUrl).pathname}`]: () => launchPage(one.clientId, known) })

  return serve({
    host,
    port,
    connect: [...[...known, issuer].map((url) => new URL(url).origin), ...embeddedBy],
    embeddedBy,
    routes: {
      ...styleRoutes,
      'GET /fhir-client.js': () => ({ ...text(200, '', 'text/javascript'), body: fhirClient }),
      'GET /launch.js': own('launch.js'),
      'GET /app.js': own('app.js'),
      'GET /context.js': own('context.js'),
      'GET /requests.js': own('requests.js'),
      'GET /': () => page({ title: 'Connect', site, look, body: connectPage(fhirServers) }),
      // Both launches start here: from an EHR with `iss` and `launch`, by oneself with `iss` and the scopes to ask for.
      ...launch(app),
      ...launch(doctorsApp),
      'GET /app': () =>
        page({ title: 'Your heart', site, look, packages: ['/fhir-client.js'], modules: ['/app.js'], body: resultPage(issuer) })
    }
  })
}

function launchPage(clientId: string, known: string[]) {
  return page({
    title: 'Connecting',
    site,
    look,
    packages: ['/fhir-client.js'],
    modules: ['/launch.js'],
    body: html`
<h1>Connecting</h1>
<div id="launch" data-client-id="${clientId}" data-known="${known.join(' ')}"><p role="status">One moment: your clinic’s sign-in page opens.</p></div>
<noscript><p class="notice">Heart App needs JavaScript. Your clinic’s own pages do not.</p></noscript>`
  })
}

function connectPage(fhirServers: FhirParty[]) {
  return html`
<h1>See your heart’s numbers in one place</h1>
<p>Heart App shows what your clinic knows. You sign in at your clinic, and there you decide what we may see.</p>
<form action="/launch" method="get">
<fieldset><legend>Where are your records?</legend>
${fhirServers.map(
  (
    { name, baseUrl },
    at
  ) => html`<label class="choice"><input type="radio" name="iss" value="${baseUrl}"${at === 0 ? html` checked` : ''}>
<span>${name}</span></label>\n`
)}</fieldset>
<fieldset><legend>What should Heart App ask for?</legend>
${scopeChoices.map(
  (
    { label, explains, scope },
    at
  ) => html`<label class="choice"><input type="radio" name="scope" value="${scope}"${at === 0 ? html` checked` : ''}>
<span>${label}<span class="soft">${explains}</span></span></label>\n`
)}</fieldset>
<p><button>Connect to my clinic</button></p>
</form>
<details><summary>For developers: ask for other scopes</summary>
<form action="/launch" method="get">
<input type="hidden" name="iss" value="${fhirServers[0]?.baseUrl ?? ''}">
<label for="scope">Scopes, with a space between two</label>
<textarea id="scope" name="scope" rows="4" spellcheck="false">${scopeChoices[0]?.scope ?? ''}</textarea>
<p><button class="quiet">Connect with these scopes</button></p>
</form></details>`
}

function resultPage(issuer: string) {
  return html`
<h1>Heart App</h1>
<p id="status" role="status" data-testid="status">Asking your clinic ...</p>
<noscript><p class="notice">Heart App needs JavaScript. Your clinic’s own pages do not.</p></noscript>
<p id="problem" class="notice" role="alert" data-testid="problem" hidden></p>
<p id="anew" hidden><a class="button" href="/">Connect anew</a></p>
<div id="connected" hidden>
<section id="banner" class="card banner" aria-label="Whose record this is" data-testid="banner" hidden></section>
<dl>
<dt>Signed in</dt><dd data-testid="user"></dd>
<dt>Record of</dt><dd data-testid="patient"></dd>
<dt>Visit</dt><dd data-testid="encounter"></dd>
<dt>Can look again later</dt><dd data-testid="offline"></dd>
</dl>
<div id="told" hidden>
<h2>What the doctors’ program told Heart App</h2>
<dl>
<dt>Opened for</dt><dd data-testid="intent"></dd>
<dt>Opened with</dt><dd data-testid="fhir-context"></dd>
<dt>Who shows the patient</dt><dd data-testid="who-shows"></dd>
<dt>Colours</dt><dd data-testid="style"></dd>
<dt>Part of the clinic</dt><dd data-testid="tenant"></dd>
</dl>
</div>
<p><button id="again">Look again</button>
<button id="refresh" class="quiet">Renew access</button>
<a class="button quiet" href="/">Start over</a></p>
<p class="note">You can stop Heart App at any time: <a href="${issuer}/account">your account page at the clinic</a>.</p>
<h2>What Heart App got, and what it was refused</h2>
<table class="stack" data-testid="kinds"><thead><tr><th scope="col">Kind</th><th scope="col">Answer</th><th scope="col">For example</th></tr></thead><tbody id="kinds"></tbody></table>
<details><summary>For developers: each scope, and whether it was granted</summary>
<table class="stack" data-testid="scopes"><thead><tr><th scope="col">Scope</th><th scope="col">Answer</th></tr></thead><tbody id="scopes"></tbody></table></details>
<details><summary>For developers: the token response, without its secrets</summary>
<pre data-testid="token-response"></pre></details>
</div>
<script type="application/json" id="results" data-testid="results">[]</script>`
}
