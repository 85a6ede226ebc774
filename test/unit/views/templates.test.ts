import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createPrinter } from '../../../src/web/render.ts'
import { LANGUAGES, ORGANIZATION, PARTS, renderState, templateStates, VIEWS } from '../../harness/template-states.ts'

const every = LANGUAGES.flatMap((language) => templateStates(language).map((state) => ({ ...state, language })))

test('every template is listed with its states, or as a part of others', () => {
  const templates = readdirSync(VIEWS, { recursive: true, encoding: 'utf8' }).flatMap(
    (file) => /^(.*)\.eta$/.exec(file)?.[1] ?? []
  )
  const listed = new Set([...PARTS, ...templateStates().map(({ template }) => template)])
  expect([...listed].sort()).toEqual(templates.sort())
})

describe.each(every)('$template, $name, in $language', (state) => {
  const html = renderState(state, state.language)

  test('prints no value that is missing', () => {
    expect(html).not.toMatch(/\bundefined\b|\bnull\b|\[object|NaN|\{\{|Invalid Date/)
  })

  test('is a whole page in its language, with no script and no inline style', () => {
    expect(html.trimStart()).toMatch(/^<!doctype html>/)
    expect(html).toContain(`<html lang="${state.language}">`)
    expect(html).toMatch(/<title>[^<]*\S – Sample Clinic<\/title>/)
    expect(html.match(/<h1[ >]/g)).toHaveLength(1)
    expect(html).not.toMatch(/<script|<style|\sstyle=|\son[a-z]+=/)
  })

  test('has ids that are unique, and labels that name one', () => {
    const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const named = [...html.matchAll(/\s(?:for|aria-describedby|aria-labelledby)="([^"]+)"/g)].flatMap(
      ([, value]) => value?.split(' ') ?? []
    )
    expect(named.filter((id) => !ids.includes(id))).toEqual([])
  })

  test('protects every form', () => {
    const forms = html.split('<form').slice(1)
    for (const form of forms) expect(form.split('</form>')[0]).toContain('name="csrf" value="csrf-of-this-browser"')
  })

  test('names the organization, and the app, its state and its host where there is one', () => {
    expect(html).toContain('Sample Clinic</p>')
    const { app } = state.members
    if (app === null) expect(html).not.toContain('class="app-block"')
    else expect(html).toMatch(/class="app-block"[\s\S]*Sample Clinic[\s\S]*class="host"/)
  })
})

test('a name that is markup is shown as text', () => {
  const page = renderState(stateNamed('login', 'unverified app'))
  expect(page).toContain('Step &amp; Sleep &lt;Counter&gt;')
  expect(renderState(stateNamed('login', 'wrong'))).toContain('value="maria &quot;&lt;m&gt;&quot;"')
})

test('no password is ever filled in', () => {
  expect(every.filter((state) => /type="password"[^>]*value=/.test(renderState(state, state.language)))).toEqual([])
})

describe('the consent page', () => {
  const everything = renderState(stateNamed('consent', 'everything, for a child'))

  test('has a box per scope that is decided about, its value the exact scope', () => {
    const boxes = [...everything.matchAll(/<input class="switch" type="checkbox"[^>]* name="scope" value="([^"]+)"/g)].map(
      ([, value]) => value
    )
    expect(boxes.length).toBeGreaterThan(20)
    expect(new Set(boxes).size).toBe(boxes.length)
    expect(boxes).toContain('patient/AllergyIntolerance.rs')
    expect(boxes).toContain(
      'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory'
    )
    expect(boxes).toContain('offline_access')
  })

  test('starts with nothing very personal on, and with no duration picked', () => {
    for (const group of ['daily-life', 'questionnaires', 'notes', 'everything-else']) {
      expect(part(everything, `id="group-${group}"`, '</fieldset>')).not.toMatch(/\schecked/)
      expect(part(everything, `id="group-${group}"`, '</fieldset>')).toContain('very personal')
    }
    expect(everything).not.toMatch(/name="duration"[^>]*\schecked/)
  })

  test('gives saying no the same button as saying yes, and Enter neither', () => {
    const buttons = [...everything.matchAll(/<button ([^>]*)>/g)].map(([, attributes]) => attributes)
    expect(buttons[0]).toBe('name="select" value="keep" formnovalidate hidden')
    const decisions = buttons.filter((attributes) => attributes?.includes('name="decision"'))
    expect(decisions).toEqual([
      'class="button" name="decision" value="allow"',
      'class="button" name="decision" value="deny" formnovalidate'
    ])
  })

  test.each(templateStates().filter(({ template }) => template === 'consent'))('names every switch apart: $name', (state) => {
    const labels = [...renderState(state).matchAll(/<label for="choice[^>]*>([\s\S]*?)<\/label>/g)].map(([, label]) =>
      label?.replace(/<[^>]+>/g, '')
    )
    expect(labels.filter((label, at) => labels.indexOf(label) !== at)).toEqual([])
  })

  test('says nothing of "your" record to a clinician', () => {
    const pages = templateStates().filter(({ template, name }) => template === 'consent' && name.startsWith('clinician'))
    expect(pages.length).toBeGreaterThan(1)
    for (const page of pages)
      expect(renderState(page).replace(/<section[^>]*aria-labelledby="decide">/, '')).not.toMatch(/your (health|record|care)/i)
  })
})

test('the stylesheet of the brand holds its colour', () => {
  expect(createPrinter(VIEWS)('theme.css.eta', { organization: ORGANIZATION })).toContain('--brand: #0b6e6e;')
})

function stateNamed(template: string, name: string): ReturnType<typeof templateStates>[number] {
  const found = templateStates().find((state) => state.template === template && state.name === name)
  if (!found) throw new Error(`no state ${name} of ${template}`)
  return found
}

function part(html: string, from: string, to: string): string {
  return html.slice(html.indexOf(from)).split(to)[0] ?? ''
}
