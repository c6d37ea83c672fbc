// The command line of the benchmarks.
import { parseArgs } from "node:util";

export const SUITES = ["engine", "forward", "service", "stream"] as const;
export type SuiteName = (typeof SUITES)[number];

export interface BenchArguments {
  readonly suites: readonly SuiteName[];
  /** Interleaved rounds; undefined: each suite's own number. */
  readonly rounds: number | undefined;
  /** Only rows whose name contains this. */
  readonly filter: string;
  readonly json: boolean;
}

export const USAGE = `bun run bench [engine|forward|service|stream|all] [--rounds N] [--filter TEXT] [--json]

  engine    parsing, flow table and checksum against the same algorithm in C
  forward   packets between two TUN devices against the same forwarder in C (root)
  service   TCP through \`bunnel up\` against the bare path (root)
  stream    TCP through a relay of sockets, alone and behind \`bunnel up\`, against the bare path (root)
`;

const ROUNDS_MAX = 100;

/** @throws RangeError for words that it does not know */
export function readArguments(words: readonly string[]): BenchArguments {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      rounds: { type: "string" },
      filter: { type: "string", default: "" },
      json: { type: "boolean", default: false },
    },
  });
  return {
    suites: suitesOf(positionals),
    rounds: roundsOf(values.rounds),
    filter: values.filter,
    json: values.json,
  };
}

function suitesOf(names: readonly string[]): readonly SuiteName[] {
  if (names.length === 0 || names.includes("all")) return SUITES;
  const unknown = names.find((name) => !(SUITES as readonly string[]).includes(name));
  if (unknown !== undefined) throw new RangeError(`suite: expected ${SUITES.join(", ")} or all, found ${unknown}`);
  return SUITES.filter((suite) => names.includes(suite));
}

function roundsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX) {
    throw new RangeError(`--rounds: expected 1..${ROUNDS_MAX}, found ${text}`);
  }
  return rounds;
}
