// A path in virtual time. A packet of the client passes these stations, one of the server the same ones backwards:
//
//   client → gateway → home router → leg with hopsBefore routers → censor → leg with hopsAfter routers → server
//
// The box is transparent: it sees a packet as the routers before it left it and does not count as a hop. Each leg may
// lose, double or hold back a packet. Equal options and seeds give equal runs, octet for octet.
import type { Censor, Direction, Judgement } from "../censors/censor.ts";
import { FORWARD } from "../censors/censor.ts";
import { copyOf } from "../lent-octets.ts";
import { EventQueue } from "./event-queue.ts";
import { gatewayOf, PLAIN_GATEWAY } from "./gateway.ts";
import type { Gateway, Transform } from "./gateway.ts";
import { afterRouters, hopLimitOf } from "./hop-limit.ts";
import type { Host } from "./host.ts";
import { Nat } from "./nat.ts";
import type { NatKind } from "./nat.ts";
import { SeededRandom } from "./random.ts";
import { Trace } from "./trace.ts";
import type { PacketCounts, PacketEvent, PacketFate } from "./trace.ts";

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
  /** The router at the client's home translates addresses. Default "none". */
  readonly nat?: NatKind;
  /** Keep what became of each packet, not only how many. Default true. */
  readonly events?: boolean;
}

export interface LinkParts {
  readonly client: Host & { start(nowMs: number): Uint8Array[] };
  readonly server: Host;
  /** What rewrites the client's packets. Default: every packet as it is. */
  readonly transform?: Transform | undefined;
  /** The same with a clock; then there is no transform. */
  readonly gateway?: Gateway | undefined;
  /** Default: none. */
  readonly censor?: Censor | undefined;
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

/** A packet on its way to the next station. */
interface Underway {
  readonly to: "path" | "censor" | "end";
  readonly direction: Direction;
  readonly packet: Uint8Array;
}

export class Link {
  readonly #parts: LinkParts;
  readonly #options: Required<LinkOptions>;
  readonly #gateway: Gateway;
  readonly #nat: Nat;
  readonly #random: SeededRandom;
  readonly #hasFaults: boolean;
  readonly #queue = new EventQueue<Underway>();
  readonly #trace: Trace;
  readonly #matched: string[] = [];
  readonly #send: (packet: Uint8Array, afterMs: number) => void;
  /** Nobody else holds on to a packet that is under way. */
  readonly #mayChange: boolean;
  #nowMs = 0;

  /** @param seed in place of that of the options */
  constructor(parts: LinkParts, options: LinkOptions = {}, seed = options.seed) {
    this.#parts = parts;
    this.#options = withDefaults(options, seed);
    this.#gateway = parts.gateway ?? (parts.transform === undefined ? PLAIN_GATEWAY : gatewayOf(parts.transform));
    this.#nat = new Nat(this.#options.nat);
    this.#random = new SeededRandom(this.#options.seed);
    this.#trace = new Trace(this.#options.events);
    this.#mayChange = !this.#options.events && parts.transform === undefined;
    const { loss, duplication, reordering } = this.#options;
    this.#hasFaults = loss > 0 || duplication > 0 || reordering > 0;
    this.#send = (packet, afterMs) => {
      if (afterMs === 0) this.#startOut(packet);
      else this.#queue.plan(this.#nowMs + afterMs, { to: "path", direction: "outbound", packet });
    };
  }

  /** Starts the client and runs until nothing is under way and no timer is set, or a limit is met. Once per link. */
  run(): LinkReport {
    this.#gateway.begin();
    this.#fromClient(this.#parts.client.start(0));
    let events = 0;
    for (let next = this.#nextMs(); next !== undefined; next = this.#nextMs()) {
      if (events === LINK_EVENTS_MAX || next > LINK_TIME_MAX_MS) return this.#report(true);
      events += 1;
      this.#nowMs = next;
      if (this.#queue.nextMs === next) this.#step();
      else this.#tick();
    }
    return this.#report(false);
  }

  #report(cutOff: boolean): LinkReport {
    const { events, counts } = this.#trace;
    return { events, counts, matched: this.#matched, endedMs: this.#nowMs, cutOff };
  }

  #nextMs(): number | undefined {
    const { client, server } = this.#parts;
    let next = earlier(this.#queue.nextMs, this.#gateway.dueMs);
    next = earlier(next, earlier(client.dueMs, server.dueMs));
    return next === undefined ? undefined : Math.max(this.#nowMs, next);
  }

  #tick(): void {
    const now = this.#nowMs;
    const { client, server } = this.#parts;
    if (isDue(this.#gateway.dueMs, now)) this.#gateway.tick(now, this.#send);
    if (isDue(client.dueMs, now)) this.#fromClient(client.tick(now));
    if (isDue(server.dueMs, now)) this.#fromServer(server.tick(now));
  }

  #step(): void {
    const next = this.#queue.take();
    if (next === undefined) return;
    if (next.to === "path") this.#startOut(next.packet);
    else if (next.to === "censor") this.#judge(next.direction, next.packet);
    else this.#arrive(next.direction, next.packet);
  }

  #fromClient(packets: readonly Uint8Array[]): void {
    for (const packet of packets) this.#gateway.outbound(packet, this.#nowMs, this.#send);
  }

  /** A packet leaves the client's machine. */
  #startOut(packet: Uint8Array): void {
    this.#note("sent", "outbound", packet);
    if (this.#options.nat === "none") return this.#leg("censor", "outbound", packet, this.#options.hopsBefore);
    const passed = this.#nat.outbound(packet, this.#nowMs);
    if (passed.length === 0) this.#note("refused", "outbound", packet);
    for (const moved of passed) this.#leg("censor", "outbound", moved, this.#options.hopsBefore);
  }

  #fromServer(packets: readonly Uint8Array[]): void {
    for (const packet of packets) {
      this.#note("sent", "inbound", packet);
      this.#leg("censor", "inbound", packet, this.#options.hopsAfter);
    }
  }

  /** One half of the path, with its routers and faults. */
  #leg(to: "censor" | "end", direction: Direction, packet: Uint8Array, routers: number): void {
    const { mtuBytes, loss, duplication, reordering, delayMs, holdMs } = this.#options;
    const random = this.#random;
    const lost = this.#hasFaults && random.chance(loss);
    const doubled = this.#hasFaults && random.chance(duplication);
    const heldBack = this.#hasFaults && random.chance(reordering);
    if (packet.length > mtuBytes) return this.#note("tooBig", direction, packet);
    if (lost) return this.#note("lost", direction, packet);
    const behind = afterRouters(packet, routers, this.#mayChange);
    if (behind === undefined) return this.#expire(direction, packet, routers);
    if (heldBack) this.#note("heldBack", direction, packet);
    if (doubled) this.#note("doubled", direction, packet);
    const atMs = this.#nowMs + delayMs + (heldBack ? holdMs : 0);
    this.#queue.plan(atMs, { to, direction, packet: behind });
    if (doubled) this.#queue.plan(atMs, { to, direction, packet: copyOf(behind) });
  }

  /** The client alone is told, and at once: what a router says is there before any answer of the server. */
  #expire(direction: Direction, packet: Uint8Array, routers: number): void {
    this.#note("expired", direction, packet);
    if (direction === "outbound" && hopLimitOf(packet) <= routers) this.#parts.client.hearExpired?.(packet);
  }

  #judge(direction: Direction, packet: Uint8Array): void {
    const judgement = this.#parts.censor?.judge(packet, direction, this.#nowMs) ?? FORWARD;
    if (judgement.matched !== undefined) this.#matched.push(judgement.matched);
    this.#inject(judgement, false);
    if (judgement.forward) this.#onward(direction, packet);
    else this.#note("censored", direction, packet);
    this.#inject(judgement, true);
  }

  #inject({ inject }: Judgement, behind: boolean): void {
    if (inject === undefined) return;
    for (const injection of inject) {
      if ((injection.behind ?? false) !== behind) continue;
      const towards = injection.to === "server" ? "outbound" : "inbound";
      this.#note("injected", towards, injection.packet);
      this.#onward(towards, injection.packet);
    }
  }

  /** From the censor to the end that the packet is for. */
  #onward(direction: Direction, packet: Uint8Array): void {
    const { hopsBefore, hopsAfter } = this.#options;
    this.#leg("end", direction, packet, direction === "outbound" ? hopsAfter : hopsBefore);
  }

  #arrive(direction: Direction, packet: Uint8Array): void {
    this.#note("arrived", direction, packet);
    const { client, server } = this.#parts;
    if (direction === "outbound") return this.#fromServer(server.receive(packet, this.#nowMs));
    const moved = this.#nat.inbound(packet);
    this.#gateway.inbound(moved, this.#nowMs);
    this.#fromClient(client.receive(moved, this.#nowMs));
  }

  #note(fate: PacketFate, direction: Direction, packet: Uint8Array): void {
    this.#trace.add(this.#nowMs, fate, direction, packet);
  }
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined) return other;
  return other === undefined || one <= other ? one : other;
}

function isDue(dueMs: number | undefined, nowMs: number): boolean {
  return dueMs !== undefined && dueMs <= nowMs;
}

/** Routers before and behind the box where nobody says otherwise. */
export const LINK_HOPS_BEFORE = 2;
export const LINK_HOPS_AFTER = 3;

/** Written out: an object that is spread costs more than all of the rest of a link that is made. */
function withDefaults(options: LinkOptions, seed: number | undefined): Required<LinkOptions> {
  return {
    hopsBefore: options.hopsBefore ?? LINK_HOPS_BEFORE,
    hopsAfter: options.hopsAfter ?? LINK_HOPS_AFTER,
    delayMs: options.delayMs ?? 5,
    loss: options.loss ?? 0,
    duplication: options.duplication ?? 0,
    reordering: options.reordering ?? 0,
    holdMs: options.holdMs ?? 8,
    mtuBytes: options.mtuBytes ?? 1500,
    seed: seed ?? 1,
    nat: options.nat ?? "none",
    events: options.events ?? true,
  };
}
