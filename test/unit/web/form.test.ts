import { connect } from 'node:net'
import type { Context } from 'koa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readForm, readFormLists } from '../../../src/web/form.ts'
import type { Served } from './app.ts'
import { ask, FORM, serve } from './app.ts'

describe('forms', () => {
  let served: Served
  let read: (ctx: Context) => Promise<unknown> = (ctx) => readFormLists(ctx, ['code', 'name'], ['scope'])
  beforeEach(async () => {
    read = (ctx) => readFormLists(ctx, ['code', 'name'], ['scope'])
    served = await serve({
      routes: [
        async (ctx) => {
          ctx.body = await read(ctx)
        }
      ]
    })
  })
  afterEach(() => served.close())

  const post = (body: string | Buffer, headers: Record<string, string> = FORM) =>
    ask(served, '/', { method: 'POST', headers, body })

  test('gives single fields, lists, and the empty string for what is absent', async () => {
    const answer = await post('scope=patient%2FObservation.rs&name=Mar%C3%ADa+D&scope=openid&other=x&&flag')
    expect(JSON.parse(answer.text)).toEqual({ code: '', name: 'María D', scope: ['patient/Observation.rs', 'openid'] })
  })

  test('reads the body once, whoever asks', async () => {
    read = async (ctx) => [await readForm(ctx, ['code']), await readForm(ctx, ['name'])]
    expect(JSON.parse((await post('code=1&name=2')).text)).toEqual([{ code: '1' }, { name: '2' }])
  })

  test('takes a post without a body as an empty form, and names of Object.prototype as names', async () => {
    read = (ctx) => readForm(ctx, ['constructor', '__proto__'])
    expect(JSON.parse((await post('', {})).text)).toMatchObject({ constructor: '' })
    expect(JSON.parse((await post('constructor=a')).text)).toMatchObject({ constructor: 'a' })
  })

  test.each([
    ['a doubled field', 'code=1&code=2'],
    ['bad percent-encoding', 'code=%zz'],
    ['half of a percent-encoding', 'code=%4'],
    ['bytes that are not UTF-8', 'code=%ff'],
    ['NUL', 'code=a%00b'],
    ['NUL in a name', 'code%00=a'],
    ['a raw control character', 'code=a\nb'],
    ['a raw character beyond ASCII', 'code=ä'],
    ['10 000 fields (case 135)', 'a=1&'.repeat(10_000)]
  ])('refuses %s', async (_what, body) => {
    expect((await post(body)).status).toBe(400)
  })

  test.each([
    [{ 'Content-Type': 'application/json' }, '{"code":"1"}'],
    [{ 'Content-Type': 'text/plain' }, 'code=1'],
    [{ 'Content-Type': 'multipart/form-data; boundary=x' }, 'code=1'],
    [{ 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-16' }, 'code=1'],
    [{ ...FORM, 'Content-Encoding': 'gzip' }, 'code=1'],
    [{}, 'code=1']
  ])('refuses the content type of %o', async (headers, body) => {
    expect((await post(body, headers as Record<string, string>)).status).toBe(415)
  })

  test('case 135: a chunked body beyond the limit is refused while it still comes, and its connection ends', async () => {
    const socket = connect(served.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(
      `POST / HTTP/1.1\r\nHost: ${new URL(served.url).host}\r\nContent-Type: ${FORM['Content-Type']}\r\nTransfer-Encoding: chunked\r\n\r\n`
    )
    const chunk = `8000\r\n${'a'.repeat(0x8000)}\r\n`
    socket.write(chunk + chunk)
    const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())))
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toMatch(/\r\nconnection: close\r\n/i)
    socket.destroy()
  })
})
