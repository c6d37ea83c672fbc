// A path in virtual time. A packet of the client passes these stations, one of the server the same ones backwards:
//
//   client → transform → leg with hopsBefore routers → censor → leg with hopsAfter routers → server
//
// The box is transparent: it sees a packet as the routers before it left it and does not count as a hop. Each leg may
// lose, double or hold back a packet. Equal options and seeds give equal runs, octet for octet.
import type { Censor, Direction } from "../censors/censor.ts";
import { EventQueue } from "./event-queue.ts";
import { afterRouters } from "./hop-limit.ts";
import type { Host } from "./host.ts";
import { SeededRandom } from "./random.ts";
import { Trace } from "./trace.ts";
import type { PacketCounts, PacketEvent, PacketFate } from "./trace.ts";

/** What stands in for the engine: an outbound packet to the packets that are sent in its place, in order. */
export type Transform = (packet: Uint8Array) => readonly Uint8Array[];

export interface LinkOptions {
  /** Routers between the client and the censor. Default 2. */
  readonly hopsBefore?: number;
  /** Routers between the censor and the server. Default 3. */
  readonly hopsAfter?: number;
  /** Time of one leg, milliseconds. Default 5. */
  readonly delayMs?: number;
  /** Shares of the packets of each leg that are lost, doubled or held back, 0 to 1. Default 0. */
  readonly loss?: number;
  readonly duplication?: number;
  readonly reordering?: number;
  /** How much later a packet that is held back arrives, milliseconds. Default 8. */
  readonly holdMs?: number;
  /** Longer packets are refused where they start; nobody is told. Default 1500. */
  readonly mtuBytes?: number;
  /** Seed of the faults. Default 1. */
  readonly seed?: number;
}

export interface LinkParts {
  readonly client: Host & { start(nowMs: number): Uint8Array[] };
  readonly server: Host;
  /** Default: every packet as it is. */
  readonly transform?: Transform;
  /** Default: none. */
  readonly censor?: Censor;
}

export interface LinkReport {
  readonly events: readonly PacketEvent[];
  readonly counts: PacketCounts;
  /** What the censor found, in order. */
  readonly matched: readonly string[];
  /** Virtual time of the last event, milliseconds. */
  readonly endedMs: number;
  /** The run was cut off by a limit and did not come to rest. */
  readonly cutOff: boolean;
}

/** The end of virtual time, milliseconds; longer than all repetitions of a client take. */
export const LINK_TIME_MAX_MS = 120_000;
/** Events of one run. */
export const LINK_EVENTS_MAX = 20_000;

type Deliver = (packet: Uint8Array) => void;

export class Link {
  readonly #parts: LinkParts;
  readonly #options: Required<LinkOptions>;
  readonly #random: SeededRandom;
  readonly #queue = new EventQueue();
  readonly #trace = new Trace();
  readonly #matched: string[] = [];
  #nowMs = 0;

  constructor(parts: LinkParts, options: LinkOptions = {}) {
    this.#parts = parts;
    this.#options = { ...DEFAULTS, ...options };
    this.#random = new SeededRandom(this.#options.seed);
  }

  /** Starts the client and runs until nothing is under way and no timer is set, or a limit is met. Once per link. */
  run(): LinkReport {
    this.#leave("outbound", this.#parts.client.start(0));
    let events = 0;
    for (let next = this.#nextMs(); next !== undefined; next = this.#nextMs()) {
      if (events === LINK_EVENTS_MAX || next > LINK_TIME_MAX_MS) return this.#report(true);
      events += 1;
      this.#nowMs = next;
      if (this.#queue.nextMs === next) this.#queue.runNext();
      else this.#tick();
    }
    return this.#report(false);
  }

  #report(cutOff: boolean): LinkReport {
    const { events, counts } = this.#trace;
    return { events, counts, matched: this.#matched, endedMs: this.#nowMs, cutOff };
  }

  #nextMs(): number | undefined {
    const times = [this.#queue.nextMs, this.#parts.client.dueMs, this.#parts.server.dueMs];
    const known = times.filter((time) => time !== undefined);
    return known.length === 0 ? undefined : Math.max(this.#nowMs, Math.min(...known));
  }

  #tick(): void {
    this.#leave("outbound", this.#parts.client.tick(this.#nowMs));
    this.#leave("inbound", this.#parts.server.tick(this.#nowMs));
  }

  /** Packets leave the client or the server. */
  #leave(direction: Direction, packets: readonly Uint8Array[]): void {
    const { transform } = this.#parts;
    const sent =
      direction === "outbound" && transform !== undefined ? packets.flatMap((packet) => transform(packet)) : packets;
    const { hopsBefore, hopsAfter } = this.#options;
    for (const packet of sent) {
      this.#note("sent", direction, packet);
      this.#leg(direction, packet, direction === "outbound" ? hopsBefore : hopsAfter, (arrived) => {
        this.#judge(direction, arrived);
      });
    }
  }

  /** One half of the path, with its routers and faults. */
  #leg(direction: Direction, packet: Uint8Array, routers: number, deliver: Deliver): void {
    const { mtuBytes, loss, duplication, reordering, delayMs, holdMs } = this.#options;
    const lost = this.#random.chance(loss);
    const doubled = this.#random.chance(duplication);
    const heldBack = this.#random.chance(reordering);
    if (packet.length > mtuBytes) return this.#note("tooBig", direction, packet);
    if (lost) return this.#note("lost", direction, packet);
    const behind = afterRouters(packet, routers);
    if (behind === undefined) return this.#note("expired", direction, packet);
    if (heldBack) this.#note("heldBack", direction, packet);
    if (doubled) this.#note("doubled", direction, packet);
    const atMs = this.#nowMs + delayMs + (heldBack ? holdMs : 0);
    for (let copy = 0; copy < (doubled ? 2 : 1); copy += 1) this.#queue.plan(atMs, () => deliver(behind.slice()));
  }

  #judge(direction: Direction, packet: Uint8Array): void {
    const judgement = this.#parts.censor?.judge(packet, direction, this.#nowMs) ?? { forward: true };
    if (judgement.matched !== undefined) this.#matched.push(judgement.matched);
    for (const { packet: made, to } of judgement.inject ?? []) {
      const towards = to === "server" ? "outbound" : "inbound";
      this.#note("injected", towards, made);
      this.#onward(towards, made);
    }
    if (judgement.forward) this.#onward(direction, packet);
    else this.#note("censored", direction, packet);
  }

  /** From the censor to the end that the packet is for. */
  #onward(direction: Direction, packet: Uint8Array): void {
    const { hopsBefore, hopsAfter } = this.#options;
    this.#leg(direction, packet, direction === "outbound" ? hopsAfter : hopsBefore, (arrived) => {
      this.#note("arrived", direction, arrived);
      const { client, server } = this.#parts;
      if (direction === "outbound") this.#leave("inbound", server.receive(arrived, this.#nowMs));
      else this.#leave("outbound", client.receive(arrived, this.#nowMs));
    });
  }

  #note(fate: PacketFate, direction: Direction, packet: Uint8Array): void {
    this.#trace.add({ atMs: this.#nowMs, fate, direction, packet });
  }
}

const DEFAULTS: Required<LinkOptions> = {
  hopsBefore: 2,
  hopsAfter: 3,
  delayMs: 5,
  loss: 0,
  duplication: 0,
  reordering: 0,
  holdMs: 8,
  mtuBytes: 1500,
  seed: 1,
};
