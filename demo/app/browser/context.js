// What the doctors' program said of the moment in which it opened Heart App: shown, and followed.
const at = (name) => document.querySelector(`[data-testid="${name}"]`)
const root = document.documentElement

// Colours of SMART's style, and what they are called in style.css.
const colours = {
  color_background: '--paper',
  color_text: '--ink',
  color_highlight: '--accent',
  color_success: '--good',
  color_error: '--bad'
}

/** A record, and what for, in words. */
function recordInWords({ reference, canonical, identifier, role }) {
  const name = reference ?? canonical ?? identifier?.value ?? 'a record'
  return role === undefined || role === 'launch' ? name : `${name} (as ${role})`
}

/** Nothing where somebody opened the app alone. */
export function showContext(told) {
  const { intent, fhirContext, need_patient_banner: banner, smart_style_url: style, tenant } = told
  const isToldSomething = [intent, fhirContext, banner, style, tenant].some((one) => one !== undefined)
  document.getElementById('told').hidden = !isToldSomething
  at('intent').textContent = intent ?? 'not said'
  at('fhir-context').textContent = fhirContext?.map(recordInWords).join('; ') ?? 'no record'
  at('who-shows').textContent = banner === false ? 'the program that opened Heart App' : 'Heart App'
  at('style').textContent = style === undefined ? 'Heart App’s own' : 'being fetched'
  at('tenant').textContent = tenant ?? 'not said'
}

/** Where nobody else shows whose record is open, the app has to: nobody should act on the wrong one. */
export function showBanner({ need_patient_banner: banner }, person) {
  const place = document.getElementById('banner')
  place.hidden = banner !== true || person === undefined
  if (!place.hidden) place.textContent = `${person.sample}, born ${person.birthDate ?? 'on a day that is not known'}`
}

/** SMART App Launch 2.2, "Styling": only colours that are colours, and all of them or none, so that words stay readable. */
export async function applyStyle({ smart_style_url: address }) {
  if (address === undefined) return
  try {
    const answer = await fetch(address, { headers: { Accept: 'application/json' }, credentials: 'omit' })
    const style = await answer.json()
    const isWhole = Object.keys(colours).every((name) => /^#[0-9a-f]{6}$/i.test(style[name]))
    if (!isWhole) throw new Error('it lacks a colour')
    for (const [name, property] of Object.entries(colours)) root.style.setProperty(property, style[name])
    // What the style doesn't say follows from what it does.
    for (const [property, value] of [
      ['--card', 'var(--paper)'],
      ['--on-accent', 'var(--paper)'],
      ['--soft', 'var(--ink)'],
      ['--line', 'color-mix(in srgb, var(--ink) 30%, var(--paper))'],
      ['color-scheme', isDark(style.color_background) ? 'dark' : 'light']
    ])
      root.style.setProperty(property, value)
    at('style').textContent = `those of ${address}`
  } catch (fault) {
    at('style').textContent = `Heart App’s own: ${address} could not be used (${fault.message})`
  }
}

function isDark(colour) {
  const [red, green, blue] = [1, 3, 5].map((from) => Number.parseInt(colour.slice(from, from + 2), 16))
  return (red * 299 + green * 587 + blue * 114) / 1000 < 128
}
