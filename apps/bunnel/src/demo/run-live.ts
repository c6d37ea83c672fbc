// The demonstration over real namespaces, devices and clients.
import { availableParallelism } from "node:os";
import { ALLOWED_NAME, BLOCKED_NAME, type Family, type LiveLab, type Scheme } from "@bunnel/lab/live";
import type { Attempt, Board } from "./board.ts";
import type { Technique } from "./plan.ts";
import type { Screen } from "./screen.ts";

/** How long a client waits for a page before it counts as blocked: hundreds of round trips of these links. */
const CLIENT_TIMEOUT_MS = 1200;
/** A client that was kept waiting by nobody but a busy machine is given twice the time, up to this. */
const CLIENT_TIMEOUT_MAX_MS = 5000;
/** Clients that run side by side on each processor; the blocked ones only wait. */
const CLIENTS_PER_PROCESSOR = 8;

/** Fills the board technique by technique, until the signal says otherwise. */
export async function runLive(lab: LiveLab, board: Board, screen: Screen, signal: AbortSignal): Promise<void> {
  for (const technique of board.plan.techniques) {
    if (signal.aborted) return;
    await runTechnique(lab, board, technique);
    screen.rowDone(technique);
  }
}

/** What one client does. Each has an address of the server, and so a censor with an empty memory, to itself. */
interface Visit {
  readonly scheme: Scheme;
  readonly family: Family;
  readonly server: number;
}

async function runTechnique(lab: LiveLab, board: Board, technique: Technique): Promise<void> {
  const { columns, schemes } = board.plan;
  let server = 0;
  const cells = columns.flatMap((column) =>
    schemes.map((scheme) => ({
      column,
      scheme,
      visits: lab.families.map((family): Visit => ({ scheme, family, server: server++ })),
    })),
  );
  await using _service = technique.strategy === undefined ? undefined : await lab.up({ strategy: technique.strategy });
  await lab.setCensors(cells.flatMap(({ column, visits }) => visits.map(() => column.censor)));
  const limit = new Limit(availableParallelism() * CLIENTS_PER_PROCESSOR);
  await Promise.all(
    cells.map(async ({ column, scheme, visits }) => {
      board.start(scheme, technique, column);
      const attempts = visits.flatMap((visit) => [
        limit.run(() => attempt(lab, visit, "blocked")),
        limit.run(() => attempt(lab, visit, "allowed")),
      ]);
      board.finish(scheme, technique, column, await Promise.all(attempts));
    }),
  );
}

async function attempt(lab: LiveLab, visit: Visit, name: Attempt["name"]): Promise<Attempt> {
  const { scheme, family, server } = visit;
  const host = name === "blocked" ? BLOCKED_NAME : ALLOWED_NAME;
  for (let timeoutMs = CLIENT_TIMEOUT_MS; ; timeoutMs *= 2) {
    const { outcome, detail } = await lab.fetch({ host, scheme, family, server, timeoutMs });
    const explained = outcome !== "blocked" || (name === "blocked" && (await hasMatched(lab, server)));
    if (explained || timeoutMs * 2 > CLIENT_TIMEOUT_MAX_MS) return { label: `IPv${family}`, name, outcome, detail };
  }
}

/** Whether the censor of this address has found the blocked name: it says so itself. */
async function hasMatched(lab: LiveLab, server: number): Promise<boolean> {
  const counts = await lab.censorCounts();
  return (counts[server]?.matched ?? 0) > 0;
}

/** Lets so many run at a time; the others wait in order. */
class Limit {
  readonly #waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }
}
