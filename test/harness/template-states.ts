/**
 * Every template of views/ in every state that a route can show it in, with the
 * members that the route hands over. Used to render them all, and to look at
 * them all in a browser. What the consent page shows is made by the code that
 * makes it in earnest.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import QRCode from 'qrcode'
import type { Translate } from '../../src/web/locales.ts'
import { loadLocales } from '../../src/web/locales.ts'
import { createPrinter } from '../../src/web/render.ts'
import { consentStates } from './consent-states.ts'
import { developerStates } from './developer-states.ts'
import { lookupStates } from './lookup-states.ts'

export interface TemplateState {
  template: string
  name: string
  members: Record<string, unknown>
}

export const VIEWS = join(import.meta.dirname, '../../views')
/** Files that are not pages: seen through the pages that use them. */
export const PARTS = ['layout', 'account-cards', 'app-block', 'theme.css', 'back-to-app', 'pages']
export const ORGANIZATION = { name: 'Sample Clinic', supportPhone: '+1 555 0100', accentColor: '#0b6e6e' }

const HEART = { name: 'Heart App', verified: true, host: 'heart.example.org' }
const UNKNOWN = {
  name: 'Step & Sleep <Counter>',
  verified: false,
  host: 'a-rather-long-name.of-a-host.example.com:9002'
}

const locales = loadLocales(join(VIEWS, 'locales'))
const print = createPrinter(VIEWS)

export const LANGUAGES: string[] = locales.languages

export function translatorFor(language: string): Translate {
  return locales.translator(language)
}

/** The page as a browser gets it. */
export function renderState(state: TemplateState, language = 'en'): string {
  return print(state.template, {
    t: translatorFor(language),
    lang: language,
    organization: ORGANIZATION,
    issuer: 'https://login.example.org',
    csrf: 'csrf-of-this-browser',
    nonce: 'nonce',
    requestId: '6f1c2a34-3c1e-4a7b-9a52-1f6f0f9c7d10',
    path: '/',
    ...state.members
  })
}

export function templateStates(language = 'en'): TemplateState[] {
  const t = translatorFor(language)
  return [
    ...loginStates(),
    ...secondFactorStates(),
    ...patientStates(),
    ...lookupStates(HEART),
    ...consentStates({ heart: HEART, unknown: UNKNOWN, viewsDir: VIEWS, language }),
    ...accountStates(t),
    ...developerStates(language),
    {
      template: 'leaving',
      name: 'an app that nobody has checked',
      members: { app: UNKNOWN, address: 'https://a.example/cb?error=x' }
    },
    ...errorStates(t, language)
  ]
}

function loginStates(): TemplateState[] {
  const page = (name: string, members: object): TemplateState => ({
    template: 'login',
    name,
    members: { app: HEART, forDevelopers: false, refused: null, username: '', retryAfter: null, ...members }
  })
  return [
    page('first', {}),
    page('unverified app', { app: UNKNOWN }),
    page('no app', { app: null }),
    page('for developers', { app: null, forDevelopers: true }),
    page('wrong', { refused: 'wrong-credentials', username: 'maria "<m>"' }),
    page('too many', { refused: 'too-many-attempts', username: 'maria', retryAfter: 840 }),
    page('one minute', { refused: 'too-many-attempts', username: 'maria', retryAfter: 20 }),
    page('busy', { refused: 'busy', username: 'maria' })
  ]
}

function secondFactorStates(): TemplateState[] {
  const qr = svgOf('otpauth://totp/Sample%20Clinic:maria?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Sample%20Clinic')
  const secret = 'JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP'
  const refusals = [null, 'wrong-code', 'code-used', 'malformed', 'too-many-attempts']
  return [
    ...refusals.map((refused) => ({
      template: 'mfa',
      name: refused ?? 'first',
      members: { app: HEART, refused, retryAfter: null }
    })),
    { template: 'mfa', name: 'no app, wait', members: { app: null, refused: 'too-many-attempts', retryAfter: 61 } },
    ...refusals.map((refused) => ({
      template: 'mfa-enrol',
      name: refused ?? 'first',
      members: { app: HEART, qr, secret, refused, retryAfter: null }
    })),
    { template: 'mfa-enrol', name: 'no app', members: { app: null, qr, secret, refused: null, retryAfter: null } }
  ]
}

function patientStates(): TemplateState[] {
  const people = [
    { id: 'maria', name: 'Maria Diaz', relationship: 'self', age: 41 },
    { id: 'leo', name: 'Leo Diaz', relationship: 'child', age: 9 },
    { id: 'ana', name: 'Ana Maria Magdalena Diaz de la Vega y Fernandez', relationship: 'neighbour', age: null },
    { id: 'zoe', name: 'Zoe Diaz', relationship: 'child', age: 1 }
  ]
  const reasons = ['not-known-here', 'no-record', 'not-permitted', 'wrong-user', 'no-record-open']
  return [
    { template: 'patient', name: 'first', members: { app: HEART, people, refused: null } },
    { template: 'patient', name: 'nothing picked', members: { app: HEART, people, refused: 'nothing-picked' } },
    {
      template: 'patient',
      name: 'no app',
      members: { app: null, people, refused: null }
    },
    ...reasons.map((reason) => ({ template: 'patient-none', name: reason, members: { app: HEART, reason } })),
    { template: 'patient-none', name: 'no app', members: { app: null, reason: 'no-record' } }
  ]
}

function accountStates(t: Translate): TemplateState[] {
  const apps = [
    {
      consentId: 'consent-1',
      name: 'Heart App',
      host: 'heart.example.org',
      forWhom: 'Leo Diaz',
      brand: 'Riverside Hospital',
      kinds: ['groups.allergies', 'groups.medicines', 'groups.tests', 'groups.measurements'].map((key) => t(key)),
      since: '3 May 2027',
      until: '3 August 2027',
      offline: true
    },
    {
      consentId: 'consent-2',
      name: UNKNOWN.name,
      host: UNKNOWN.host,
      forWhom: null,
      brand: null,
      kinds: [],
      since: '4 May 2027',
      until: null,
      offline: false
    }
  ]
  const page = (name: string, members: object): TemplateState => ({
    template: 'account',
    name,
    members: { app: null, signedInAs: 'Maria Diaz', apps, approved: [], message: null, ...members }
  })
  return [
    page('two apps', {}),
    page('one app', { apps: apps.slice(0, 1) }),
    page('none', { apps: [] }),
    page('stopped', { apps: apps.slice(1), message: 'stopped' }),
    page('of a clinician', { apps: apps.slice(0, 1), approved: apps.slice(1) }),
    page('stopped for now', { apps: [], approved: apps.slice(0, 1), message: 'stopped-for-now' }),
    page('stopped before', { apps: [], message: 'already-stopped' }),
    { template: 'signed-out', name: 'signed out', members: { app: null } },
    {
      template: 'open-window',
      name: 'a launch in a frame',
      members: { app: null, name: 'Heart App', address: 'https://heart.example/launch?iss=x&launch=y' }
    }
  ]
}

function errorStates(t: Translate, language: string): TemplateState[] {
  const { errors }: { errors: Record<string, unknown> } = JSON.parse(
    readFileSync(join(VIEWS, `locales/${language}.json`), 'utf8')
  )
  return Object.keys(errors).map((reason) => ({
    template: 'error',
    name: reason,
    members: {
      app: null,
      heading: t(`errors.${reason}.heading`),
      sentence: t(`errors.${reason}.sentence`),
      nextStep: t(`errors.${reason}.next`),
      id: '6f1c2a34-3c1e-4a7b-9a52-1f6f0f9c7d10'
    }
  }))
}

function svgOf(text: string): string {
  const { modules } = QRCode.create(text)
  const cells = [...modules.data].flatMap((dark, at) =>
    dark ? [`M${at % modules.size} ${Math.floor(at / modules.size)}h1v1h-1z`] : []
  )
  const box = `-4 -4 ${modules.size + 8} ${modules.size + 8}`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box}"><path d="${cells.join('')}"/></svg>`
}
