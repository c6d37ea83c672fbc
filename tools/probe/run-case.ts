// One run of the real program against one box, in namespaces.
import { join } from "node:path";
import { ALLOWED_NAME, BLOCKED_NAME, SERVER_ADDRESSES_MAX, serverAddress } from "@bunnel/lab/live";
import { LiveRange } from "../evasion/index.ts";
import { hasTimestamps, type ProbeCase } from "./cases.ts";

const PROGRAM = join(import.meta.dirname, "../../apps/bunnel/src/main.ts");
const PAGE = "/page.html";
const PAGE_BYTES = 100_000;
const FAMILIES = [4, 6] as const;
/** The address of the harmless host: the same box watches it. */
const HARMLESS_PLACE = SERVER_ADDRESSES_MAX - 1;
const RUN_MAX_MS = 400_000;

export interface ProbeRun {
  readonly summary: string;
  /** Recommended rules; none: nothing works, or nothing needs to be done. */
  readonly strategies: readonly string[];
  readonly unsolved: readonly string[];
  /** Families in which no try was possible, so that what is recommended was proved in the other one alone. */
  readonly unproved: readonly (4 | 6)[];
  readonly seconds: number;
  readonly connections: number;
  readonly kilobytes: number;
  readonly tried: number;
  readonly status: number;
  readonly words: string;
}

/** A lab with real servers, and a page that is long enough. */
export async function openProbeRange(): Promise<LiveRange> {
  const range = await LiveRange.open();
  await Bun.write(join(range.folder, "www", PAGE), "x".repeat(PAGE_BYTES));
  await Bun.write(join(range.folder, "authority.pem"), range.lab.authority);
  return range;
}

export interface ProbeRunOptions {
  readonly patienceSeconds: number;
  readonly families?: readonly (4 | 6)[];
  readonly words?: readonly string[];
  /** The box stays as the last run left it, with its memory. */
  readonly keepsBox?: boolean;
}

/** Sets the box and has the program probe the blocked host. */
export async function runProbeCase(
  range: LiveRange,
  probed: ProbeCase,
  { patienceSeconds, families = FAMILIES, words = [], keepsBox = false }: ProbeRunOptions,
): Promise<ProbeRun> {
  const { lab } = range;
  const { box, addresses, isBlackhole } = probed;
  lab.setTimestamps(hasTimestamps(probed));
  if (!keepsBox) await lab.setCensors(box === undefined ? [] : new Array(SERVER_ADDRESSES_MAX).fill(box));
  const at = families.flatMap((family) =>
    Array.from({ length: addresses }, (_, place) => serverAddress(family, place)),
  );
  if (isBlackhole === true) await blackhole(range, "add", at);
  try {
    const harmless = families.map((family) => serverAddress(family, HARMLESS_PLACE));
    const ran = await lab.client.run(
      [
        ...[process.execPath, PROGRAM, "probe", `${BLOCKED_NAME}${PAGE}`, "--json", "--fresh"],
        ...["--harmless", ALLOWED_NAME, "--patience", String(patienceSeconds), "--state", range.fresh("state.json")],
        ...["--resolve", `${BLOCKED_NAME}:${at.join(",")}`, "--resolve", `${ALLOWED_NAME}:${harmless.join(",")}`],
        ...["--state-dir", range.fresh("state")],
        ...["--certificates", join(range.folder, "authority.pem"), "--resolver", serverAddress(4)],
        ...(families.length === 1 ? ["--family", String(families[0])] : []),
        ...words,
      ],
      { timeoutMs: RUN_MAX_MS },
    );
    return readRun(ran.status, ran.stdout, ran.stderr);
  } finally {
    if (isBlackhole === true) await blackhole(range, "del", at);
    lab.setTimestamps(true);
  }
}

async function blackhole({ lab }: LiveRange, word: "add" | "del", addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const ran = await lab.censor.run(["ip", "route", word, "blackhole", address]);
    if (ran.status !== 0) throw new Error(`blackhole ${address}: ${ran.stderr}`);
  }
}

interface Report {
  readonly type: string;
  readonly diagnoses: readonly { readonly summary: string }[];
  readonly trials: readonly unknown[];
  readonly recommendation: {
    readonly rules: readonly { readonly strategy: string }[];
    readonly unsolved: readonly { readonly kind: string }[];
    readonly unproved?: readonly { readonly family: 4 | 6 }[];
  };
  readonly used: { readonly seconds: number; readonly connections: number; readonly octets: number };
}

/** @throws Error with the program's words when it gave no report */
function readRun(status: number, stdout: string, stderr: string): ProbeRun {
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  if (!last.startsWith('{"type":"report"')) throw new Error(`probe: status ${status}, ${stderr.trim() || stdout}`);
  const { diagnoses, trials, recommendation, used } = JSON.parse(last) as Report;
  return {
    summary: diagnoses.map(({ summary }) => summary).join("; "),
    strategies: recommendation.rules.map(({ strategy }) => strategy),
    unsolved: recommendation.unsolved.map(({ kind }) => kind),
    unproved: [...new Set((recommendation.unproved ?? []).map(({ family }) => family))],
    seconds: used.seconds,
    connections: used.connections,
    kilobytes: Math.round(used.octets / 1024),
    ...{ tried: trials.length, status, words: stderr },
  };
}
