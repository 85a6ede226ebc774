/** Nightly Report: a backend service with a page, so that one need not wait for the night. */
import { newKey } from '../oauth/key.ts'
import type { FhirParty, Parties } from '../parties.ts'
import { html, type Markup, page, styleRoutes } from '../web/page.ts'
import { type Answer, type DemoServer, json, serve } from '../web/serve.ts'
import { type Report, runReport } from './report.ts'

interface ReportOptions {
  host: string
  port: number
  registered: Parties['report']
  fhirServers: FhirParty[]
}

export function startReport({ host, port, registered, fhirServers }: ReportOptions): Promise<DemoServer> {
  const { clientId, scope, jwksPath } = registered
  const key = newKey()

  async function run(form: URLSearchParams): Promise<Answer> {
    const house = fhirServers.find(({ id }) => id === form.get('house'))
    const other = fhirServers.find((one) => one !== house)
    if (!house || !other) return shown(fhirServers, html`<p class="notice" role="alert">Choose whose records to count.</p>`, 400)
    try {
      const report = await runReport(house.baseUrl, other.baseUrl, { clientId, key, scope })
      return shown(fhirServers, reportOf(report, house, other), 200, house.id)
    } catch (fault) {
      const reason = fault instanceof Error ? fault.message : 'unknown fault'
      return shown(fhirServers, html`<p class="notice" role="alert">The report could not be made: ${reason}</p>`, 502, house.id)
    }
  }

  return serve({
    host,
    port,
    routes: {
      ...styleRoutes,
      [`GET ${jwksPath}`]: () => json({ keys: [key.publicJwk] }),
      'GET /': () => shown(fhirServers),
      'POST /': async ({ form }) => run(await form())
    }
  })
}

function shown(fhirServers: FhirParty[], result: Markup | string = '', status = 200, chosen = fhirServers[0]?.id): Answer {
  return page({
    title: 'Results counted',
    site: 'Nightly Report',
    look: 'clinic',
    status,
    body: html`
<h1>How many results are there?</h1>
<p>This program counts the results and measurements of a whole house. Nobody signs in: it is registered for that, and for nothing
else. It proves itself with a key, gets access for five minutes, and reads page after page.</p>
<form method="post" action="/">
<fieldset><legend>Whose records?</legend>
${fhirServers.map(
  ({
    id,
    name
  }) => html`<label class="choice"><input type="radio" name="house" value="${id}"${id === chosen ? html` checked` : ''}>
<span>${name}</span></label>\n`
)}</fieldset>
<p><button>Run the report now</button></p>
</form>
${result}`
  })
}

function reportOf({ scope, lifetime, pages, total, counts, elsewhere }: Report, house: FhirParty, other: FhirParty): Markup {
  return html`
<h2 id="report">${house.name}: <span data-testid="total">${total}</span> results</h2>
<p role="status">Done, after <span data-testid="pages">${pages}</span> pages.</p>
<table aria-labelledby="report"><thead><tr><th scope="col">Kind</th><th scope="col">How many</th></tr></thead><tbody>
${counts.map(([kind, count]) => html`<tr><th scope="row">${kind}</th><td>${count}</td></tr>\n`)}</tbody></table>
<p>The same access at ${other.name}: <span class="${elsewhere === 401 ? 'refused' : 'got'}" data-testid="elsewhere">${
    elsewhere === 401 ? 'refused (401)' : `answered ${elsewhere}`
  }</span>. Access is good for one house only.</p>
<details><summary>For developers: what it was given</summary>
<p><code data-testid="scope">${scope}</code>, for ${lifetime} seconds, without a refresh token.</p></details>`
}
