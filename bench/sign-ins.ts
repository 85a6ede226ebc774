/** People who sign in one after another, some at a time, until the bench closes the standard input; then it prints how many they were. */
import { once } from 'node:events'
import { signIn } from './side.ts'

const [port, atOnce] = process.argv.slice(2).map(Number)
let going = true
let done = 0
const ended = once(process.stdin.resume(), 'end').then(() => {
  going = false
})

async function person(number: number): Promise<void> {
  while (going) {
    await signIn({ paths: { authorize: '/authorize' }, port: port ?? 0 }, number)
    done += 1
  }
}

await Promise.all([ended, ...Array.from({ length: atOnce ?? 0 }, (_, number) => person(number))])
process.stdout.write(`${done}\n`)
