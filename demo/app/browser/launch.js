/* global FHIR */
// SMART App Launch, by fhirclient: it finds Keyward through the FHIR server, and sends the person there.
const place = document.getElementById('launch')
const asked = new URLSearchParams(location.search)
const { clientId, known } = place.dataset
const iss = asked.get('iss')

// What a doctor's EHR launch asks for. A launch by oneself says in the address what to ask for.
const scopeInChart = 'openid fhirUser launch online_access patient/*.rs'

function say(sentence) {
  const problem = document.createElement('p')
  problem.className = 'notice'
  problem.setAttribute('role', 'alert')
  problem.textContent = sentence
  place.replaceChildren(problem)
}

/** In a frame of another site some browsers let a page keep nothing, and what is asked for has to be kept until the answer. */
function keepsNothing() {
  try {
    return sessionStorage === null
  } catch {
    return true
  }
}

function offerWindow() {
  say('Within this page, your browser lets Heart App keep nothing. It can go on in a window of its own.')
  const link = document.createElement('a')
  Object.assign(link, {
    href: location.href,
    target: '_blank',
    rel: 'opener',
    className: 'button',
    textContent: 'Open Heart App'
  })
  place.append(link)
}

if (!known.split(' ').includes(iss)) {
  // An app that connects to any address given to it can be led to a false sign-in page.
  say('Heart App does not know the record server that this link names. Please start again from your clinic or from Heart App.')
} else if (keepsNothing()) {
  offerWindow()
} else {
  FHIR.oauth2
    .authorize({
      clientId,
      iss,
      scope: asked.get('scope') ?? scopeInChart,
      redirectUri: '/app',
      pkceMode: 'required',
      completeInTarget: true
    })
    .catch((fault) => say(`Your clinic could not be reached: ${fault.message}`))
}
