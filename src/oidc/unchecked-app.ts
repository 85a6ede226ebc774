/**
 * Anybody may register an app: without this, a link to Keyward whose request is refused at once would send people on to any
 * page in the world, under Keyward's name. RFC 9700 §4.11.2: they are told first where the link goes.
 */
import type { KoaContextWithOIDC } from 'oidc-provider'
import { hostOf } from '../clients/clients.ts'
import { render } from '../web/render.ts'

/**
 * Puts a page in the place of a redirect that carries an error. Not for an app that an operator has approved or configured;
 * nor at the end of steps that people went through, where they have seen the app's host.
 */
export function stopBeforeUncheckedApp(ctx: KoaContextWithOIDC): void {
  const { client, params, route } = ctx.oidc
  const address = ctx.response.get('Location')
  if (client?.sandbox !== true || route === 'resume' || address === '') return
  // A program follows no link that it was lured to.
  if (!ctx.get('Accept').toLowerCase().includes('text/html')) return
  ctx.remove('Location')
  const app = { name: client.clientName ?? client.clientId, verified: false, host: hostOf(String(params?.redirect_uri)) }
  render(ctx, 'leaving', { app, address })
}
