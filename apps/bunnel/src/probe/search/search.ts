// The search for a strategy: candidates of one kind from the cheapest on, several at a time, each on every host that
// needs it. It ends with the first that works for all of them, once all cheaper ones are known to fail; or with what
// the budget allows.
import type { ProbeFamily } from "../observation.ts";
import type { Candidate } from "./candidates.ts";

/** What came of one candidate at one host. */
export interface TrialResult {
  readonly host: string;
  readonly candidate: Candidate;
  readonly works: boolean;
  /** Exchanges that succeeded. */
  readonly times: number;
  /** Of the last one, in short: "served, 64 KiB at 900 KiB/s" or what went wrong. */
  readonly how: string;
  readonly ms: number;
  /** It works, and was not tried in these families, for there every try is punished. */
  readonly leftOut?: readonly ProbeFamily[];
}

export interface SearchParts<Worker> {
  readonly candidates: readonly Candidate[];
  /** Hosts that need one. */
  readonly hosts: readonly string[];
  readonly workers: readonly Worker[];
  /** Makes one trial. */
  readonly attempt: (worker: Worker, candidate: Candidate, host: string) => Promise<TrialResult | undefined>;
  /** Of an earlier run. */
  readonly known: readonly TrialResult[];
  /** Nothing more is begun. */
  readonly isOver: () => boolean;
  readonly tell: (result: TrialResult) => void;
}

/** All results, those known before among them. */
export async function search<Worker>(parts: SearchParts<Worker>): Promise<readonly TrialResult[]> {
  const { candidates, hosts, workers, attempt, isOver, tell } = parts;
  const results = [...parts.known];
  const find = (candidate: Candidate, host: string): TrialResult | undefined =>
    results.find((result) => result.host === host && result.candidate.strategy === candidate.strategy);
  const isWinner = (candidate: Candidate): boolean => hosts.every((host) => find(candidate, host)?.works === true);
  let next = 0;
  const work = async (worker: Worker): Promise<void> => {
    while (!isOver()) {
      // Whoever is cheaper than the winner is under way with another worker already.
      if (candidates.slice(0, next).some(isWinner)) return;
      const candidate = candidates[next];
      next++;
      if (candidate === undefined) return;
      for (const host of hosts) {
        if (isOver()) return;
        if (find(candidate, host) !== undefined) continue;
        const result = await attempt(worker, candidate, host);
        if (result === undefined) return;
        results.push(result);
        tell(result);
      }
    }
  };
  await Promise.all(workers.map(work));
  return results;
}
