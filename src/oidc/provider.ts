/** The engine, as Keyward runs it: configured, patched, and with its answers completed. */
import Provider, { type Configuration } from 'oidc-provider'
import { completeAnswers } from './answers.ts'
import { keepContextOnGrants, nameCodes } from './patches.ts'

type AnswerDeps = Omit<Parameters<typeof completeAnswers>[0], 'provider'>

/** `answers` has to be attached before the engine is mounted: what it is told to use later is not heard. */
export function createProvider(issuer: string, configuration: Configuration, answers: AnswerDeps): Provider {
  const provider = new Provider(issuer, configuration)
  keepContextOnGrants(provider)
  nameCodes(provider)
  // Nothing that it is for is asked by POST: its own token endpoint is behind this.
  provider.use((ctx, next) => (ctx.method === 'POST' ? undefined : next()))
  completeAnswers({ provider, ...answers })
  return provider
}
