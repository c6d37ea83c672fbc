// How much is thought of a strategy: two weights that halve with time, so that what was true last month counts little.
//
//   worked: good + 1, bad halved        failed: bad + 1, good halved        score = (good + 1) / (good + bad + 2)
//
// Both have a most: ten thousand pages of last week do not outvote the three that failed just now.

/** Both weights are half of what they were after so long. */
export const HALF_LIFE_MS = 7 * 24 * 3600 * 1000;
/** The most that either weight grows to. */
export const WEIGHT_MAX = 8;
/** What nothing is known of. */
export const UNKNOWN_SCORE = 0.5;

export interface Weights {
  readonly good: number;
  readonly bad: number;
  /** As of when, in milliseconds since 1970. */
  readonly at: number;
}

/** The weights at a later time. A clock that was set back decays nothing. */
export function decayed({ good, bad, at }: Weights, now: number): Weights {
  const factor = 2 ** (-Math.max(0, now - at) / HALF_LIFE_MS);
  return { good: good * factor, bad: bad * factor, at: Math.max(at, now) };
}

/** The weights behind one more time. */
export function weighed(before: Weights, worked: boolean, now: number): Weights {
  const { good, bad, at } = decayed(before, now);
  if (worked) return { good: Math.min(good + 1, WEIGHT_MAX), bad: bad / 2, at };
  return { good: good / 2, bad: Math.min(bad + 1, WEIGHT_MAX), at };
}

/** From 0 to 1; `UNKNOWN_SCORE` for what is not known, or was long ago. */
export function scoreOf(weights: Weights, now: number): number {
  const { good, bad } = decayed(weights, now);
  return (good + 1) / (good + bad + 2);
}
