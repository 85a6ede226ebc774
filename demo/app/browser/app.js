/* global FHIR */
// The page after the launch: who is signed in, what was granted, what the FHIR server gave and refused.
import { applyStyle, showBanner, showContext } from './context.js'
import { askForAll } from './requests.js'

const at = (name) => document.querySelector(`[data-testid="${name}"]`)
const byId = (id) => document.getElementById(id)

const say = (sentence) => {
  at('status').textContent = sentence
}

function complain(sentence) {
  const problem = at('problem')
  problem.textContent = sentence
  byId('anew').hidden = false
  problem.hidden = false
}

function calm() {
  at('problem').hidden = true
  byId('anew').hidden = true
}

function row(...cells) {
  const line = document.createElement('tr')
  cells.forEach((cell, column) => {
    const box = document.createElement(column === 0 ? 'th' : 'td')
    if (column === 0) box.scope = 'row'
    box.append(cell)
    line.append(box)
  })
  return line
}

function marked(className, words) {
  const mark = document.createElement('span')
  mark.className = className
  mark.textContent = words
  return mark
}

/** What came, without what would let anybody use it. */
function withoutSecrets({ id_token, ...response }, claims) {
  const shortened = (value) => (value === undefined ? undefined : `${value.slice(0, 8)}...`)
  return {
    ...response,
    access_token: shortened(response.access_token),
    refresh_token: shortened(response.refresh_token),
    id_token_claims: id_token === undefined ? undefined : claims
  }
}

function showGrant(client) {
  const { tokenResponse, scope: asked } = client.state
  const granted = tokenResponse.scope?.split(' ') ?? []
  at('user').textContent = client.user.fhirUser ?? 'not told'
  at('patient').textContent = client.patient.id ? `Patient/${client.patient.id}` : 'no patient chosen'
  at('encounter').textContent = client.encounter.id ? `Encounter/${client.encounter.id}` : 'no visit chosen'
  at('offline').textContent = tokenResponse.refresh_token ? 'yes' : 'no'
  showContext(tokenResponse)
  at('token-response').textContent = JSON.stringify(withoutSecrets(tokenResponse, client.getIdToken()), null, 2)

  const all = [...new Set([...asked.split(/\s+/), ...granted])].filter(Boolean)
  byId('scopes').replaceChildren(...all.map((scope) => row(code(scope), answerTo(scope, asked.split(/\s+/), granted))))
  byId('connected').hidden = false
}

function answerTo(scope, asked, granted) {
  if (!granted.includes(scope)) return marked('refused', 'Not given as a whole')
  return marked('got', asked.includes(scope) ? 'Given' : 'Given, as a part of what was asked for')
}

function code(words) {
  const element = document.createElement('code')
  element.textContent = words
  return element
}

function inWords({ status, count, fault }) {
  if (status === 200 && count === 0) return marked('soft', 'Nothing came: not shared, or nothing there')
  if (status === 200) return marked('got', count === 1 ? 'Got 1 entry' : `Got ${count} entries`)
  if (status === 403) return marked('refused', 'Refused: not shared with Heart App (403)')
  if (status === 401) return marked('refused', 'Refused: access has ended (401)')
  if (status === 404) return marked('soft', 'These records have none of this kind (404)')
  return marked('refused', `No answer: ${fault.slice(0, 120)}`)
}

async function look(client) {
  say('Asking your clinic ...')
  calm()
  const results = await askForAll(client)
  at('results').textContent = JSON.stringify(results)
  byId('kinds').replaceChildren(...results.map((result) => row(result.label, inWords(result), result.sample)))

  const person = results.find(({ id, status }) => id === 'Patient' && status === 200)
  if (person && client.patient.id) at('patient').textContent = `${person.sample} (Patient/${client.patient.id})`
  showBanner(client.state.tokenResponse, person)
  const got = results.filter(({ status }) => status === 200).length
  if (results.some(({ status }) => status === 401)) {
    complain('Your clinic no longer lets Heart App in. Access was stopped, or has run out. Heart App sees nothing more.')
    say('Access has ended.')
  } else {
    say(`Done. Your clinic answered ${got} of ${results.length} requests, and refused ${results.length - got}.`)
  }
}

async function renew(client) {
  say('Renewing access ...')
  calm()
  const before = client.patient.id
  try {
    await client.refresh()
  } catch (fault) {
    complain(`Access could not be renewed. Please connect anew. (${fault.message})`)
    say('Access was not renewed.')
    return
  }
  showGrant(client)
  await look(client)
  at('status').textContent =
    `Access was renewed${client.patient.id === before ? ', for the same patient' : ''}. ${at('status').textContent}`
}

/** One thing at a time: the buttons rest while it happens. */
async function alone(task) {
  const buttons = [byId('again'), byId('refresh')]
  for (const button of buttons) button.disabled = true
  await task().finally(() => {
    for (const button of buttons) button.disabled = false
  })
}

FHIR.oauth2.ready().then(
  (client) => {
    // What is left of the redirect, as `iss` (RFC 9207), is of no more use in the address.
    history.replaceState({}, '', location.pathname)
    showGrant(client)
    void applyStyle(client.state.tokenResponse)
    byId('again').addEventListener('click', () => alone(() => look(client)))
    byId('refresh').addEventListener('click', () => alone(() => renew(client)))
    return alone(() => look(client))
  },
  (fault) => {
    const denied = fault.message.startsWith('access_denied')
    say('Heart App is not connected.')
    complain(
      denied
        ? 'You did not share anything, so Heart App sees nothing. That is fine.'
        : `Heart App could not connect: ${fault.message}`
    )
  }
)
