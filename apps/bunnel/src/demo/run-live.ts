// The demonstration over real namespaces, devices and clients.
import { availableParallelism } from "node:os";
import { ALLOWED_NAME, BLOCKED_NAME, type Family, type LiveLab, type Scheme } from "@bunnel/lab/live";
import type { Attempt, Board } from "./board.ts";
import type { Technique } from "./plan.ts";
import type { Screen } from "./screen.ts";

/** How long a client waits for a page before it counts as blocked: hundreds of round trips of these links. */
const CLIENT_TIMEOUT_MS = 1200;
/** Clients that run side by side on each processor; the blocked ones only wait. */
const CLIENTS_PER_PROCESSOR = 6;

/** Fills the board technique by technique, until the signal says otherwise. */
export async function runLive(lab: LiveLab, board: Board, screen: Screen, signal: AbortSignal): Promise<void> {
  for (const technique of board.plan.techniques) {
    if (signal.aborted) return;
    await runTechnique(lab, board, technique);
    screen.rowDone(technique);
  }
}

async function runTechnique(lab: LiveLab, board: Board, technique: Technique): Promise<void> {
  const { columns, schemes } = board.plan;
  await using _service = technique.strategy === undefined ? undefined : await lab.up({ strategy: technique.strategy });
  // Each censor watches an address of its own, so all of them are asked at the same time, with nothing remembered.
  await lab.setCensors(columns.map(({ censor }) => censor));
  const cells = columns.flatMap((column, server) => schemes.map((scheme) => ({ column, server, scheme })));
  const limit = new Limit(availableParallelism() * CLIENTS_PER_PROCESSOR);
  await Promise.all(
    cells.map(async ({ column, server, scheme }) => {
      board.start(scheme, technique, column);
      const orders = lab.families.flatMap((family) =>
        (["blocked", "allowed"] as const).map((name) => ({ family, name })),
      );
      const attempts = orders.map((order) => limit.run(() => attempt(lab, scheme, server, order)));
      board.finish(scheme, technique, column, await Promise.all(attempts));
    }),
  );
}

interface Order {
  readonly family: Family;
  readonly name: Attempt["name"];
}

async function attempt(lab: LiveLab, scheme: Scheme, server: number, { family, name }: Order): Promise<Attempt> {
  const host = name === "blocked" ? BLOCKED_NAME : ALLOWED_NAME;
  const { outcome, detail } = await lab.fetch({ host, scheme, family, server, timeoutMs: CLIENT_TIMEOUT_MS });
  return { label: `IPv${family}`, name, outcome, detail };
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

