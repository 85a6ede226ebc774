/**
 * The texts of all pages, one file per language. A key or a variable that is
 * missing throws: a page never shows the name of a text instead of the text.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Resource } from 'i18next'
import { createInstance } from 'i18next'

export type Translate = (key: string, variables?: Record<string, unknown>) => string

interface Locales {
  /** English, the language where nothing else fits, is the first. */
  languages: string[]
  translator(language: string): Translate
}

const DEFAULT_LANGUAGE = 'en'

export function loadLocales(directory: string): Locales {
  const files = readdirSync(directory).filter((file) => file.endsWith('.json'))
  const resources: Resource = Object.fromEntries(
    files.map((file) => [file.replace(/\.json$/, ''), { translation: JSON.parse(readFileSync(join(directory, file), 'utf8')) }])
  )
  const languages = Object.keys(resources)
  if (!languages.includes(DEFAULT_LANGUAGE)) throw new Error(`${DEFAULT_LANGUAGE}.json is missing among the locales`)

  const i18n = createInstance()
  void i18n.init({
    resources,
    initAsync: false,
    fallbackLng: false,
    interpolation: { escapeValue: false }, // the templates escape
    parseMissingKeyHandler: (key) => {
      throw new Error(`no text for ${JSON.stringify(key)}`)
    },
    missingInterpolationHandler: (text, [variable]) => {
      throw new Error(`the text ${JSON.stringify(text)} was not given ${variable}`)
    },
    returnedObjectHandler: (key) => {
      throw new Error(`${JSON.stringify(key)} is not a text but a group of texts`)
    }
  })

  return {
    languages: [DEFAULT_LANGUAGE, ...languages.filter((language) => language !== DEFAULT_LANGUAGE)],
    translator(language) {
      const translate = i18n.getFixedT(language)
      return (key, variables = {}) => String(translate(key, variables))
    }
  }
}
