// Rounds in which every candidate runs once: what disturbs the machine for a while disturbs all of them.

/** What one run measured, by name. */
export type Sample = Readonly<Record<string, number>>;

export interface Candidate {
  readonly name: string;
  run(): Promise<Sample>;
}

/** The samples of each candidate by its name, one per round. */
export type Series = ReadonlyMap<string, readonly Sample[]>;

/** Runs all candidates `rounds` times; every other round in reverse, so that nobody always follows the same one. */
export async function interleave(candidates: readonly Candidate[], rounds: number): Promise<Series> {
  const series = new Map<string, Sample[]>(candidates.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? candidates : candidates.toReversed();
    for (const candidate of order) series.get(candidate.name)?.push(await candidate.run());
  }
  return series;
}

/** One measure of one candidate over all rounds. @throws RangeError when it was not measured */
export function measure(series: Series, candidate: string, name: string): readonly number[] {
  const samples = series.get(candidate) ?? [];
  return samples.map((sample) => {
    const value = sample[name];
    if (value === undefined) throw new RangeError(`measure ${name} of ${candidate}: not in every sample`);
    return value;
  });
}
