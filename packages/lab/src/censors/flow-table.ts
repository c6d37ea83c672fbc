// What a model remembers of each flow, bounded in number and in idle time.

/** Flows that a model remembers at one time, when its options do not say otherwise. */
export const FLOWS_MAX = 1024;
/** A flow that was silent for so long is forgotten, milliseconds. */
export const FLOW_IDLE_MS = 300_000;

interface Remembered<Flow> {
  readonly flow: Flow;
  usedMs: number;
}

export class FlowTable<Flow> {
  readonly #flowsMax: number;
  /** In order of use, the longest unused first. */
  readonly #flows = new Map<string, Remembered<Flow>>();

  constructor(flowsMax = FLOWS_MAX) {
    this.#flowsMax = flowsMax;
  }

  get size(): number {
    return this.#flows.size;
  }

  /** The flow, which becomes the last used one. */
  use(key: string, nowMs: number): Flow | undefined {
    const found = this.#flows.get(key);
    if (found === undefined) return undefined;
    if (nowMs - found.usedMs > FLOW_IDLE_MS) {
      this.#flows.delete(key);
      return undefined;
    }
    found.usedMs = nowMs;
    if (this.#flows.size > 1) {
      this.#flows.delete(key);
      this.#flows.set(key, found);
    }
    return found.flow;
  }

  /** Puts the flow in place of one with the same key. The longest unused one leaves when there is no room. */
  put(key: string, flow: Flow, nowMs: number): void {
    this.#flows.delete(key);
    const oldest = this.#flows.keys().next();
    if (this.#flows.size >= this.#flowsMax && oldest.done !== true) this.#flows.delete(oldest.value);
    this.#flows.set(key, { flow, usedMs: nowMs });
  }

  clear(): void {
    // Most models keep one flow at a time in a simulation, and an empty map costs as much to clear as a full one.
    if (this.#flows.size > 0) this.#flows.clear();
  }
}
