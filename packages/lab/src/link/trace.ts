// What became of the packets of one run.

/**
 * sent: it left an end, as the gateway made it · refused: the home router threw it away · tooBig: above the MTU,
 * refused · lost, doubled, heldBack: the link's faults · expired: no router passed it on · censored: the box kept it ·
 * injected: the box made it · arrived: the other end got it.
 */
export type PacketFate =
  | "sent"
  | "refused"
  | "tooBig"
  | "lost"
  | "doubled"
  | "heldBack"
  | "expired"
  | "censored"
  | "injected"
  | "arrived";

export interface PacketEvent {
  readonly atMs: number;
  readonly fate: PacketFate;
  readonly direction: "outbound" | "inbound";
  readonly packet: Uint8Array;
}

export type PacketCounts = Readonly<Record<PacketFate, number>>;

/** Events that a trace keeps; all are counted. */
export const TRACE_MAX = 4096;

export class Trace {
  readonly #events: PacketEvent[] = [];
  readonly #isKept: boolean;
  readonly #counts: Record<PacketFate, number> = {
    sent: 0,
    refused: 0,
    tooBig: 0,
    lost: 0,
    doubled: 0,
    heldBack: 0,
    expired: 0,
    censored: 0,
    injected: 0,
    arrived: 0,
  };

  /** @param isKept whether events are kept besides being counted */
  constructor(isKept = true) {
    this.#isKept = isKept;
  }

  get events(): readonly PacketEvent[] {
    return this.#events;
  }

  get counts(): PacketCounts {
    return this.#counts;
  }

  add(atMs: number, fate: PacketFate, direction: PacketEvent["direction"], packet: Uint8Array): void {
    this.#counts[fate] += 1;
    if (this.#isKept && this.#events.length < TRACE_MAX) this.#events.push({ atMs, fate, direction, packet });
  }
}
