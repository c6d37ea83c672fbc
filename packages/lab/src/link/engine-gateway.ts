// The engine as it is shipped, as the gateway of a simulated path: its lane sees the client's packets and what comes
// back, with the clock of the path.
import type { Engine, Lane, LaneOptions, NameFinder } from "@bunnel/engine";
import { TCP_ACK, TCP_SYN } from "@bunnel/wire";
import { copyOf } from "../lent-octets.ts";
import { readSegment } from "../tcp/segment.ts";
import type { Gateway, Send } from "./gateway.ts";

/** Between two connections more time passes than the engine remembers anything for. */
const APART_MS = 3_600_000;
/** How often the engine is asked for what it held too long, milliseconds. */
const HELD_TURN_MS = 10;
/** Views of the memory that are kept. */
const PLACES_MAX = 1024;

export interface EngineGatewayOptions extends LaneOptions {
  /** Finds host names in QUIC Initials. Default: nobody does, so that quic rules for all hosts still act. */
  readonly names?: NameFinder;
}

/** A gateway over lane 0 of an engine that nobody else uses. Make the engine with few flows. */
export class EngineGateway implements Gateway {
  readonly #engine: Engine;
  readonly #lane: Lane;
  readonly #names: NameFinder | undefined;
  readonly #octets: Uint8Array;
  readonly #at: number;
  readonly #places = new Map<number, Uint8Array>();
  #epochMs = 0;
  #nowMs = 0;

  constructor(engine: Engine, { names, ...lane }: EngineGatewayOptions = {}) {
    this.#engine = engine;
    this.#names = names;
    this.#lane = engine.lane(0, lane);
    this.#octets = new Uint8Array(engine.memory);
    this.#at = this.#lane.rx.at[0] ?? 0;
  }

  get dueMs(): number | undefined {
    return this.#lane.heldCount > 0 ? this.#nowMs + HELD_TURN_MS : undefined;
  }

  begin(): void {
    this.#epochMs = (this.#epochMs + APART_MS) >>> 0;
    this.#nowMs = 0;
    this.#engine.expireFlows(this.#epochMs, 0);
    this.#lane.poll(0, 0, this.#epochMs);
  }

  outbound(packet: Uint8Array, nowMs: number, send: Send): void {
    // A bare ACK never comes up to the engine: no rule can ask for it.
    if (isBareAck(packet)) send(packet, 0);
    else this.#work(packet, nowMs, send);
  }

  inbound(packet: Uint8Array, nowMs: number): void {
    // Of what comes back only a SYN,ACK is shown to the engine: it tells the distance. What the engine would send in
    // its place is the packet itself, which is on its way already.
    if ((tcpFlagsOf(packet) & TCP_SYN) !== 0) this.#work(packet, nowMs, undefined);
  }

  tick(nowMs: number, send: Send): void {
    this.#nowMs = nowMs;
    this.#lane.poll(0, 0, (this.#epochMs + nowMs) >>> 0);
    this.#send(send);
  }

  #work(packet: Uint8Array, nowMs: number, send: Send | undefined): void {
    const lane = this.#lane;
    this.#nowMs = nowMs;
    const clock = (this.#epochMs + nowMs) >>> 0;
    this.#octets.set(packet, this.#at);
    lane.rx.lengths[0] = packet.length;
    for (let done = 0; done < 1;) {
      done = lane.poll(0, 1, clock);
      if (send !== undefined) this.#send(send);
      const { question } = lane;
      if (question === undefined) continue;
      const { payload, hash } = question;
      lane.answer(question, this.#names?.look(payload, hash, clock) ?? "none");
    }
  }

  #send(send: Send): void {
    const { tx, txCount, txDelaysMs } = this.#lane;
    for (let i = 0; i < txCount; i += 1) {
      send(copyOf(this.#place(tx.at[i] ?? 0, tx.lengths[i] ?? 0)), txDelaysMs[i] ?? 0);
    }
  }

  /** The engine uses the same places again and again, and a view of one costs more than the copy of what is there. */
  #place(at: number, bytes: number): Uint8Array {
    const key = at * 0x10000 + bytes;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    if (this.#places.size >= PLACES_MAX) this.#places.clear();
    const place = this.#octets.subarray(at, at + bytes);
    this.#places.set(key, place);
    return place;
  }
}

/** TCP flags; 0 where there are none. */
function tcpFlagsOf(packet: Uint8Array): number {
  return readSegment(packet)?.flags ?? 0;
}

function isBareAck(packet: Uint8Array): boolean {
  const segment = readSegment(packet);
  return segment !== undefined && segment.flags === TCP_ACK && segment.payloadBytes === 0;
}
