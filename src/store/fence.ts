/**
 * Not-before. A store can forget the last writes that it has acknowledged: its replica takes over, it is restarted after a
 * crash, an older copy or an empty one stands where it stood. Codes, assertions and one-time passwords that had been spent
 * look unspent then. So the store bears a mark that says which server wrote it, and where the mark is missing or another's,
 * everything single-use that was issued before now is refused, by every replica: redis-fence.ts and sqlite-fence.ts look.
 */
export interface Fence {
  /**
   * Epoch milliseconds, a whole second: whatever is good for one use and was issued before is refused. What says when it was
   * issued in whole seconds can be compared as it is. 0: never raised. To be asked after the write that spends it: a write goes
   * to another server only once the fence is raised, whatever was asked before.
   */
  notBefore(): number
}

export interface FenceNews {
  /**
   * `new`: no mark was there when this process first looked, as on a first start. `empty`: the mark that this process has
   * seen is gone. `other-server`: it was set by another server, or by this one before its restart. `elsewhere`: another
   * process has raised the fence, and told of the reason.
   */
  why: 'new' | 'empty' | 'other-server' | 'elsewhere'
  /** Which of several servers, as an operator would call it. */
  server: string
  notBefore: number
}

export interface StoreFence extends Fence {
  /** Told of each time that the fence is raised, those before it listened too. One listener. */
  onRaised(listener: (news: FenceNews) => void): void
}

export interface RaisableFence extends StoreFence {
  /** What the mark says; with news where somebody has to hear of it. */
  raise(notBefore: number, news?: FenceNews | undefined): void
}

export function createFence(): RaisableFence {
  let notBefore = 0
  let untold: FenceNews[] = []
  let tell = (news: FenceNews): void => void untold.push(news)
  return {
    notBefore: () => notBefore,
    raise(at, news) {
      notBefore = Math.max(notBefore, at)
      if (news) tell(news)
    },
    onRaised(listener) {
      tell = listener
      for (const news of untold) listener(news)
      untold = []
    }
  }
}

/** A fence that is raised now stands at the next second: nothing that was issued earlier bears that second. */
export const nextSecond = (now: number): number => (Math.floor(now / 1000) + 1) * 1000

/**
 * In a store without a mark that this process has not seen before, which most often is a first start. A time step of one-time
 * codes begins every 30 seconds: the present one and the one before can be used at once.
 */
export const firstNotBefore = (now: number): number => (Math.floor(now / 30_000) - 1) * 30_000
