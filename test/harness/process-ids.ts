/** Processes as Linux lists them in /proc: for tests that must know a server's own process, or those that it has started. */
import { readdirSync, readFileSync } from 'node:fs'

/** The words with which a process was started; empty where it has gone. */
function wordsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** Processes that were started with this word, such as the path of a configuration. */
export function startedWith(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => wordsOf(pid).split('\0').includes(word))
}

/** Children of such a process in whose words there is this text. */
export function childrenOf(parent: number, text: string): number[] {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ').map(Number)
  return children.filter((pid) => pid > 0 && wordsOf(pid).includes(text))
}
