// A thread of the search: told its opponent first, then lists of strategies, in portions, to take its share of.
import { Evaluator } from "./evaluate.ts";
import { takeShare } from "./pool.ts";
import type { WorkerOrder, WorkerReport, WorkerStart } from "./pool.ts";

interface Ready {
  readonly evaluator: Evaluator;
  readonly cursor: SharedArrayBuffer;
}

let ready: Promise<Ready> | undefined;
/** What is known of the list that is worked on. */
let list: string[] = [];

addEventListener("message", ({ data }: MessageEvent<WorkerStart | WorkerOrder>) => {
  if ("strategies" in data) {
    void work(data);
  } else {
    ready = begin(data);
    // It is told with the first order.
    ready.catch(() => undefined);
  }
});

async function begin({ opponent, nat, cursor }: WorkerStart): Promise<Ready> {
  return { evaluator: await Evaluator.create(opponent, nat), cursor };
}

async function work({ before, strategies }: WorkerOrder): Promise<void> {
  try {
    const known = await ready;
    if (known === undefined) throw new Error("worker: expected its opponent first, found an order");
    list = before === 0 ? [...strategies] : [...list, ...strategies];
    report({ done: takeShare(known.evaluator, list, known.cursor) });
  } catch (error) {
    report({ error: error instanceof Error ? error.message : String(error) });
  }
}

function report(message: WorkerReport): void {
  postMessage(message);
}
