// Answers that were given lately. The one that was not used for longest goes first when there is no room.
import type { KeptAnswer } from "./answer.ts";

/** Octets of all answers together, whatever their number: a flood of large ones must not fill the memory. */
const CACHE_MAX_BYTES = 16 * 1024 * 1024;

interface Entry {
  readonly answer: KeptAnswer;
  readonly atMs: number;
  readonly untilMs: number;
}

/** What was found. */
export interface Hit {
  readonly answer: KeptAnswer;
  readonly ageSeconds: number;
}

/** Answers by their query's key. */
export class AnswerCache {
  /** The least lately used stands first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  /** @param maxEntries 0: keeps nothing */
  constructor(readonly maxEntries: number) {}

  get size(): number {
    return this.#entries.size;
  }

  find(key: string, nowMs: number): Hit | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (nowMs >= entry.untilMs || nowMs < entry.atMs) {
      this.#bytes -= entry.answer.octets.length;
      return undefined;
    }
    this.#entries.set(key, entry);
    return { answer: entry.answer, ageSeconds: Math.floor((nowMs - entry.atMs) / 1000) };
  }

  add(key: string, answer: KeptAnswer, seconds: number, nowMs: number): void {
    if (seconds <= 0 || this.maxEntries === 0) return;
    this.#remove(key);
    this.#entries.set(key, { answer, atMs: nowMs, untilMs: nowMs + seconds * 1000 });
    this.#bytes += answer.octets.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.maxEntries && this.#bytes <= CACHE_MAX_BYTES) break;
      this.#remove(oldest);
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.answer.octets.length;
  }
}
