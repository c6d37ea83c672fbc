// What several rounds say together. Medians, because a shared machine has bad moments and no good ones.

/** The middle value; of an even count, the mean of the middle two. @throws RangeError for no values */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined)
    throw new RangeError("median: expected at least one value, found none");
  return (lower + upper) / 2;
}

/**
 * Between which of the values the median of all that could have been measured lies with 95 %, whatever their
 * distribution: so many of them may fall on one side by chance (binomial, normal approximation). Of fewer than six, the
 * least and the greatest. @throws RangeError for no values
 */
export function medianInterval(values: readonly number[]): readonly [low: number, high: number] {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(0, Math.floor((sorted.length - NORMAL_95 * Math.sqrt(sorted.length)) / 2));
  const low = sorted[rank];
  const high = sorted[sorted.length - 1 - rank];
  if (low === undefined || high === undefined) throw new RangeError("median: expected at least one value, found none");
  return [low, high];
}

const NORMAL_95 = 1.96;

/** Two series that ran in the same rounds. */
export interface Comparison {
  /** Medians, in the unit of the series. */
  readonly reference: number;
  readonly ours: number;
  /** ours / reference, of the medians */
  readonly ratio: number;
  /** Least and greatest ratio of one round. */
  readonly ratioMin: number;
  readonly ratioMax: number;
  /** Where the median of all such ratios lies with 95 %, where rounds were paired. */
  readonly ratioInterval?: readonly [low: number, high: number];
  readonly rounds: number;
  /** Median of what each round differed by, where rounds were paired; else it is that of the medians. */
  readonly difference?: number;
}

/**
 * Compares series whose element i was taken in the same round.
 * @throws RangeError when they are empty or of different length
 */
export function compare(reference: readonly number[], ours: readonly number[]): Comparison {
  if (reference.length !== ours.length) {
    throw new RangeError(`series: expected equal lengths, found ${reference.length} and ${ours.length}`);
  }
  const ratios = ours.map((value, round) => value / (reference[round] ?? Number.NaN));
  const medians = { reference: median(reference), ours: median(ours) };
  return {
    ...medians,
    ratio: medians.ours / medians.reference,
    ratioMin: Math.min(...ratios),
    ratioMax: Math.max(...ratios),
    rounds: reference.length,
  };
}

/**
 * The same, where the two of each round followed each other closely: what disturbed the machine disturbed both, so that
 * each round's own ratio and difference say more than those of the medians.
 */
export function comparePaired(reference: readonly number[], ours: readonly number[]): Comparison {
  const all = compare(reference, ours);
  const of = (join: (ours: number, reference: number) => number): number[] =>
    ours.map((value, round) => join(value, reference[round] ?? Number.NaN));
  const ratios = of((a, b) => a / b);
  return {
    ...all,
    ratio: median(ratios),
    ratioInterval: medianInterval(ratios),
    difference: median(of((a, b) => a - b)),
  };
}
