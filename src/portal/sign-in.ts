/** Signing in to a page of Keyward's own, through the same steps as everybody: one place decides what being signed in takes. */
import { createHash, randomBytes } from 'node:crypto'
import type { Context } from 'koa'
import { OWN_CLIENT_ID } from '../clients/clients.ts'

/** Sends the browser to sign in, and from there to `{page}/signed-in`. */
export function signInTo(ctx: Context, issuer: string, page: 'account' | 'developer'): void {
  const request = new URLSearchParams({
    client_id: OWN_CLIENT_ID,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: `${issuer}/${page}/signed-in`,
    // Nobody keeps the verifier: the code that comes back can't be redeemed.
    code_challenge: createHash('sha256').update(randomBytes(32)).digest('base64url'),
    code_challenge_method: 'S256'
  })
  seeOther(ctx, `${issuer}/authorize?${request}`)
}

export function seeOther(ctx: Context, url: string): void {
  ctx.status = 303
  ctx.redirect(url)
}
