// Relays on one address that together have more flows than a process may have descriptors for: each has a table of its
// own, and clients are spread over them by their ports. One relay where that is enough.
import type { Profile } from "@bunnel/profile";
import type { Affordable } from "./descriptors.ts";
import { isForAll } from "./own-table/late-start.ts";
import { socketOfPort } from "./own-table/port-choice.ts";
import type { Reached, RelayFlow, RelayMessage, RelayOptions, RelayStats, SocketAddress } from "./relay-options.ts";
import { StreamRelay } from "./relay.ts";

/** As of a relay, but for those that the group decides. */
export interface RelayGroupOptions extends Omit<RelayOptions, "sharedBy" | "maxFlows" | "accept"> {
  /** See `affordableFlows`. */
  readonly flows: Affordable;
}

export class RelayGroup implements Disposable {
  /** What was bound. */
  readonly address: SocketAddress;
  readonly maxFlows: number;
  /** Its threads wait for the first connection. */
  readonly isLate: boolean;
  /** Settles when the first of them has let go of everything; with an error when that was not asked for. */
  readonly closed: Promise<Error | undefined>;
  #overLimit = 0;
  /** Connections that were asked for, and are not yet known to be there. */
  #wanted = 0;

  private constructor(
    private readonly relays: readonly [StreamRelay, ...StreamRelay[]],
    { flows }: Affordable,
    isLate: boolean,
  ) {
    this.isLate = isLate;
    this.address = relays[0].address;
    this.maxFlows = Math.min(
      flows,
      relays.reduce((sum, { maxFlows }) => sum + maxFlows, 0),
    );
    this.closed = Promise.race(relays.map(({ closed }) => closed));
  }

  /**
   * Listens for translated connections, and carries on what comes, until it is closed. With `late` the threads start
   * when the first connection is wanted, unless others than root could not read their code then.
   * @throws StreamError, ProfileError as `StreamRelay.open`; nothing is open then
   */
  static open({ flows, late, ...options }: RelayGroupOptions): RelayGroup {
    const { tables = 1 } = flows;
    const own: RelayOptions = {
      ...options,
      accept: "translated",
      late: late === true && RelayGroup.mayStartLate(),
      maxFlows: flows.tables === undefined ? flows.flows : Math.ceil(flows.flows / tables) + SPREAD,
      ...(flows.tables !== undefined && { form: "native", sharedBy: tables }),
    };
    const relays: [StreamRelay, ...StreamRelay[]] = [StreamRelay.open(own)];
    try {
      const { listen, address } = { listen: options.listen, address: relays[0].address };
      while (relays.length < tables) {
        relays.push(StreamRelay.open({ ...own, listen: { address: listen.address, port: address.port } }));
      }
      return new RelayGroup(relays, flows, own.late === true);
    } catch (error) {
      for (const relay of relays) relay.close();
      throw error;
    }
  }

  /** Whether a thread can read its code whoever this process has become. */
  static mayStartLate(): boolean {
    return isForAll(new URL("./relay.worker.ts", import.meta.url));
  }

  /** What all of them counted. */
  get stats(): RelayStats {
    const all = this.relays.map(({ stats }) => stats);
    const names = Object.keys(all[0] ?? {}) as (keyof RelayStats)[];
    const sums = names.map((name) => [name, all.reduce((sum, stats) => sum + stats[name], 0)] as const);
    const together = Object.fromEntries(sums) as unknown as RelayStats;
    return { ...together, overLimit: together.overLimit + this.#overLimit };
  }

  /** Open flows of each, in the order in which ports are spread over them. */
  get spread(): readonly number[] {
    return this.relays.map(({ stats }) => stats.open);
  }

  /** Starts the threads that are still to be started; resolves when all of them run. */
  async start(): Promise<void> {
    for (const relay of this.relays) relay.start();
    for (const relay of this.relays) await relay.ready;
  }

  /** As `StreamRelay.load`. */
  load(profile: Profile): void {
    for (const relay of this.relays) relay.load(profile);
  }

  /** As `StreamRelay.takeMessages`. */
  takeMessages(): readonly RelayMessage[] {
    return this.relays.flatMap((relay) => relay.takeMessages());
  }

  /** As `StreamRelay.bind`. */
  bind(bindTo: string): void {
    for (const relay of this.relays) relay.bind(bindTo);
  }

  /** As `StreamRelay.flows`. */
  async flows(): Promise<readonly RelayFlow[]> {
    return (await Promise.all(this.relays.map((relay) => relay.flows()))).flat();
  }

  /** As `StreamRelay.reach`. */
  async reach(destination: SocketAddress, peer: SocketAddress, client?: SocketAddress): Promise<Reached> {
    const relay = this.relays[socketOfPort(peer.port, this.relays.length)] ?? this.relays[0];
    if (this.relays.length === 1) return relay.reach(destination, peer, client);
    const open = this.spread.reduce((sum, each) => sum + each, 0);
    if (open + this.#wanted >= this.maxFlows) {
      this.#overLimit += 1;
      return "refused";
    }
    this.#wanted += 1;
    try {
      return await relay.reach(destination, peer, client);
    } finally {
      this.#wanted -= 1;
    }
  }

  /** As `StreamRelay.close`. */
  close(): void {
    for (const relay of this.relays) relay.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Flows that a relay may have more than its share: ports are never spread quite evenly. */
const SPREAD = 512;
