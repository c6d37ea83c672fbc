// The residual axis: whom a box goes on punishing after a hit, and for how long.
import type { TcpSegment } from "../tcp/segment.ts";
import type { ResidualAxis } from "./axes.ts";
import type { Direction } from "./censor.ts";

/** Punishments remembered at one time; the oldest gives way. */
export const RESIDUALS_MAX = 1024;

export class Residual {
  readonly #axis: ResidualAxis | undefined;
  /** Until when, in order of the hits. */
  readonly #untilMs = new Map<string, number>();

  constructor(axis: ResidualAxis | undefined) {
    this.#axis = axis;
  }

  clear(): void {
    if (this.#untilMs.size > 0) this.#untilMs.clear();
  }

  /** A connection of the client was caught. */
  punish(segment: TcpSegment, nowMs: number): void {
    if (this.#axis === undefined) return;
    for (const key of keysOf(this.#axis, segment, "outbound")) {
      this.#untilMs.delete(key);
      const oldest = this.#untilMs.keys().next();
      if (this.#untilMs.size >= RESIDUALS_MAX && oldest.done !== true) this.#untilMs.delete(oldest.value);
      this.#untilMs.set(key, nowMs + this.#axis.ms);
    }
  }

  /** Whether the segment is of somebody who was caught. */
  covers(segment: TcpSegment, direction: Direction, nowMs: number): boolean {
    const axis = this.#axis;
    if (axis === undefined || this.#untilMs.size === 0) return false;
    // Of both hosts only the sender counts: packets to a host that was caught come from nobody who was.
    const [key = ""] = keysOf(axis, segment, direction);
    if (axis.scope === "client" && direction === "inbound") return false;
    return nowMs < (this.#untilMs.get(key) ?? 0);
  }
}

/** Names of those whom a segment concerns, its sender's first. */
function keysOf({ scope }: ResidualAxis, segment: TcpSegment, direction: Direction): readonly string[] {
  const { source, destination } = segment;
  if (scope === "client") return [source];
  if (scope === "hosts") return [source, destination];
  return direction === "outbound"
    ? [`${source} ${destination} ${segment.destinationPort}`]
    : [`${destination} ${source} ${segment.sourcePort}`];
}
