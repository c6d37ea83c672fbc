// A thread of the search: told its opponent first, then strategies to evaluate.
import { Evaluator } from "./evaluate.ts";
import type { WorkerOrder, WorkerReport, WorkerStart } from "./pool.ts";

let evaluator: Promise<Evaluator> | undefined;

addEventListener("message", ({ data }: MessageEvent<WorkerStart | WorkerOrder>) => {
  if ("opponent" in data) {
    evaluator = Evaluator.create(data.opponent, data.nat);
    evaluator.catch((error: unknown) => report({ id: -1, error: textOf(error) }));
  } else {
    void work(data);
  }
});

async function work({ id, strategies }: WorkerOrder): Promise<void> {
  try {
    const ready = await evaluator;
    if (ready === undefined) throw new Error("worker: expected its opponent first, found an order");
    report({ id, evaluations: strategies.map((strategy) => ready.evaluate(strategy)) });
  } catch (error) {
    report({ id, error: textOf(error) });
  }
}

function report(message: WorkerReport): void {
  postMessage(message);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
