// What the censor of a lab does with each packet, apart from how packets come and go: which model watches which address
// of the server, and what it counts.
import { decodePacket, PROTOCOL_UDP } from "@bunnel/wire";
import type { Censor, Direction, Judgement } from "../censors/censor.ts";
import { FORWARD } from "../censors/censor.ts";
import { type LiveCensorName, makeLiveCensor } from "../censors/live-gallery.ts";
import { BLOCKED_NAME, CLIENT_ADDRESS, SERVER_ADDRESSES_MAX, serverAddress } from "./address-plan.ts";
import { PROBE_PORT } from "./ports.ts";

/** What one model did since it was set. */
export interface WatchCounts {
  readonly censor: LiveCensorName;
  readonly seen: number;
  readonly dropped: number;
  readonly injected: number;
  /** Packets that held or completed the blocked name. */
  readonly matched: number;
}

/** A probe datagram as the censor saw it. */
export interface SeenProbe {
  /** The hop limit that it started with. */
  readonly probe: number;
  /** The hop limit that it had when the censor judged it. */
  readonly hopLimit: number;
}

interface Watched {
  readonly censor: Censor;
  readonly counts: { -readonly [K in keyof WatchCounts]: WatchCounts[K] };
}

export class Watch {
  readonly #places: (Watched | undefined)[] = [];
  readonly #placeOf = new Map<string, number>();
  readonly probes: SeenProbe[] = [];

  constructor() {
    for (let place = 0; place < SERVER_ADDRESSES_MAX; place++) {
      for (const family of [4, 6] as const) this.#placeOf.set(serverAddress(family, place), place);
    }
  }

  /**
   * Puts new models with empty memories in place of all former ones: `names[i]` watches address i of the server;
   * undefined: nobody does.
   */
  set(names: readonly (LiveCensorName | undefined)[], hopsToServer: number): void {
    this.#places.length = 0;
    for (const name of names) this.#places.push(name && watched(name, hopsToServer));
  }

  /** By address of the server. */
  get counts(): readonly (WatchCounts | null)[] {
    return this.#places.map((place) => place?.counts ?? null);
  }

  judge(packet: Uint8Array, nowMs: number): Judgement {
    const { family, source, destination, protocol, destinationPort, hopLimit, payload } = decodePacket(packet);
    if (family === 0) return FORWARD;
    // A client may have addresses beside its first: what the server sends goes to it.
    const isInbound = destination === CLIENT_ADDRESS[family] || this.#placeOf.has(source);
    const direction: Direction = isInbound ? "inbound" : "outbound";
    if (direction === "outbound" && protocol === PROTOCOL_UDP && destinationPort === PROBE_PORT) {
      this.probes.push({ probe: payload[0] ?? 0, hopLimit });
    }
    const place = this.#places[this.#placeOf.get(direction === "outbound" ? destination : source) ?? -1];
    if (place === undefined) return FORWARD;
    const judgement = place.censor.judge(packet, direction, nowMs);
    place.counts.seen += 1;
    if (!judgement.forward) place.counts.dropped += 1;
    if (judgement.matched !== undefined) place.counts.matched += 1;
    place.counts.injected += judgement.inject?.length ?? 0;
    return judgement;
  }
}

function watched(name: LiveCensorName, hopsToServer: number): Watched {
  const censor = makeLiveCensor(name, { blocked: [BLOCKED_NAME], hopsToServer });
  return { censor, counts: { censor: name, seen: 0, dropped: 0, injected: 0, matched: 0 } };
}
