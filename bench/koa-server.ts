/** The floor: bare Koa handlers with no store, no authentication and no check. GET / says hello; POST / reads a form and answers JSON. */
import Koa from 'koa'

const ANSWER = JSON.stringify({ active: true, scope: 'patient/Observation.rs '.repeat(11).trim(), token_type: 'Bearer' })

const koa = new Koa()
koa.use(async (ctx) => {
  if (ctx.method !== 'POST') {
    ctx.body = 'hello'
    return
  }
  const chunks: Buffer[] = []
  for await (const chunk of ctx.req) chunks.push(chunk)
  const form = new URLSearchParams(Buffer.concat(chunks).toString())
  if (!form.get('token')) ctx.throw(400)
  ctx.type = 'application/json'
  ctx.body = ANSWER
})
koa.listen(Number(process.argv[2]), '127.0.0.1')
process.stdin.resume().once('end', () => process.exit())
