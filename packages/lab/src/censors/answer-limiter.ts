// What a box lets through of the server's answer to a connection that it has caught.
import type { AnswerLimit } from "./axes.ts";

const SECOND_MS = 1000;

export class AnswerLimiter {
  #bytes = 0;
  #tokens: number;
  #atMs: number;

  constructor(
    readonly limit: AnswerLimit,
    nowMs: number,
  ) {
    this.#tokens = limit.kind === "slows" ? limit.bucketBytes : 0;
    this.#atMs = nowMs;
  }

  /** Whether a segment with so many octets of data may pass. Without data it always may. */
  lets(payloadBytes: number, nowMs: number): boolean {
    if (payloadBytes === 0) return true;
    if (this.limit.kind === "freezes") {
      this.#bytes += payloadBytes;
      return this.#bytes <= this.limit.afterBytes;
    }
    const { bytesPerSecond, bucketBytes } = this.limit;
    const gained = ((nowMs - this.#atMs) * bytesPerSecond) / SECOND_MS;
    this.#tokens = Math.min(bucketBytes, this.#tokens + gained);
    this.#atMs = nowMs;
    if (this.#tokens < payloadBytes) return false;
    this.#tokens -= payloadBytes;
    return true;
  }
}
