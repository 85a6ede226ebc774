/** The documents, read as a person reads them: links, files, commands, settings and YAML that they name. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root, type Source } from './sources.ts'

export function documents(): Source[] {
  const pages = readdirSync(join(root, 'docs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  return ['README.md', 'CHANGELOG.md', ...pages.sort()].map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))
}

interface Block {
  language: string
  text: string
}

const FENCED = /^```(\w*)\n([\s\S]*?)^```$/gm

export function blocksOf(text: string): Block[] {
  return [...text.matchAll(FENCED)].map(([, language = '', block = '']) => ({ language, text: block }))
}

/** What stands in backticks within a line. */
export function codeOf(text: string): string[] {
  return [...text.replace(FENCED, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
}

/** Where relative links and images lead, without the part after '#'. */
export function linksOf(text: string): { path: string; anchor: string }[] {
  return [...text.replace(FENCED, '').matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
    const [path = '', anchor = ''] = target.split('#')
    return /^[a-z]+:/.test(target) ? [] : [{ path, anchor }]
  })
}

/** The anchors of a page, made from its headings as code hosts make them. */
export function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-')
  )
}

const REPOSITORY_FOLDER = /^(src|test|demo|docs|config|views|bench|\.ci)(\/|$)/
const ROOT_FILE = /^(Dockerfile|LICENSE|\.npmrc|\.dockerignore|[\w-]+\.(md|json|config\.ts))$/

/** Files and folders of the repository that a text names, in backticks and in drawings. */
export function filesNamedIn(text: string): string[] {
  const drawn = blocksOf(text)
    .filter(({ language }) => language === '')
    .flatMap((block) => block.text.split(/[\s,;]+/))
  return [...codeOf(text), ...drawn].filter(
    (name) => /^[\w./-]+$/.test(name) && (REPOSITORY_FOLDER.test(name) || ROOT_FILE.test(name))
  )
}

/** Everything that is to be typed: code in backticks and blocks for a shell. */
export function commandsIn(text: string): string[] {
  const shell = blocksOf(text)
    .filter(({ language }) => language === 'sh')
    .flatMap((block) => block.text.trimEnd().split('\n'))
  return [...codeOf(text), ...shell]
}

/** Settings by their full name: `listen.tls`, `clients[].disabled`. */
export function settingsNamedIn(text: string): string[] {
  return codeOf(text).filter(
    (code) => /^[a-zA-Z]+(\[\])?(\.[a-zA-Z_]+(\[\])?)+$/.test(code) && !/\.(ts|js|md|json|ya?ml|db(-wal)?|eta|css)$/.test(code)
  )
}
