// A lab whose client has a second way out, a service that can be asked how it is, and the network as it was before.
//
//   client ── eth0 ── censor ── hop ── server
//      └───── eth1 ─────┘     198.18.1.0/24, 2001:db8:9::/64
import { type Family, type LiveLab, type Service, type ServiceOrder, BLOCKED_NAME } from "@bunnel/lab/live";
import { RouteNetlink } from "@bunnel/tun-linux";
import { expect } from "bun:test";
import { askControl } from "bunnel/src/control/client.ts";
import { PROGRAM, TempFolder } from "../../cli/run.ts";
import { createLab, networkState, type NetworkState, SERVED_MS, STRATEGY, succeed } from "../lab.ts";

export const FAMILIES = [4, 6] as const;
/** The routers that the two ways lead to. */
export const ROUTERS = {
  eth0: { 4: "192.0.2.1", 6: "2001:db8:1::1" },
  eth1: { 4: "198.18.1.1", 6: "2001:db8:9::1" },
} as const;
export type Way = keyof typeof ROUTERS;

/** A change is followed within a second; the rest is for a machine that has other things to do. */
const FOLLOWED_MS = 4000;
const LOOK_EVERY_MS = 50;

export interface Status {
  readonly uplinks: readonly string[];
  readonly device: string;
  readonly packetsIn: number;
  readonly replaced: number;
  readonly egressSent: number;
  readonly egressRefused: number;
  readonly queueDropped: number;
  readonly dropped: number;
  readonly passed: number;
  readonly held: number;
  /** Flows in the table as of now. */
  readonly flows: number;
  /** Packets that found the device's queue full. */
  readonly deviceDropped: number;
  readonly flowsEvicted: number;
  readonly reasons: Readonly<Record<string, number>>;
}

export class Rig implements AsyncDisposable {
  readonly #folder = new TempFolder();
  #services = 0;

  private constructor(readonly lab: LiveLab) {}

  static async open(): Promise<Rig> {
    return new Rig(await createLab());
  }

  /** Adds the second way out; no default route leads there yet. */
  async addSecondWay(): Promise<void> {
    const { client, censor } = this.lab;
    client.inside(() => {
      using netlink = RouteNetlink.open();
      netlink.addVeth("eth1", "client1", { peerNamespaceFd: censor.namespace.fd });
    });
    const words = (host: number, name: string): string =>
      `ip address add 198.18.1.${host}/24 dev ${name}; ip address add 2001:db8:9::${host}/64 dev ${name} nodad; ` +
      `ip link set ${name} up`;
    await this.sh(words(2, "eth1"));
    await succeed(censor, ["sh", "-ec", words(1, "client1")]);
  }

  /** The words that add or delete both default routes by a way. */
  defaults(verb: "add" | "del", way: Way, metric?: number): string {
    const more = metric === undefined ? "" : ` metric ${metric}`;
    return FAMILIES.map(
      (family) => `ip -${family} route ${verb} default via ${ROUTERS[way][family]} proto static${more}`,
    ).join("; ");
  }

  /** Runs shell words on the client. */
  sh(words: string): Promise<string> {
    return succeed(this.lab.client, ["sh", "-ec", words]);
  }

  network(): Promise<NetworkState> {
    return networkState(this.lab.client);
  }

  async up(order: ServiceOrder = {}): Promise<Running> {
    const stateDir = order.stateDir ?? this.#folder.file(`state-${this.#services++}`);
    const rules = order.words?.includes("--profile") ? {} : { strategy: STRATEGY };
    return new Running(await this.lab.up({ ...rules, ...order, stateDir }), stateDir);
  }

  file(name: string): string {
    return this.#folder.file(name);
  }

  /** `bunnel` on the client. */
  async bunnel(args: readonly string[], { stateDir }: Running): Promise<string> {
    return succeed(this.lab.client, [...PROGRAM, ...args, "--state-dir", stateDir]);
  }

  /** One page over TLS, which a rule rewrites. */
  async expectServed(families: readonly Family[] = FAMILIES, scheme: "https" | "http" = "https"): Promise<void> {
    for (const family of families) {
      const outcome = await this.lab.fetch({ host: BLOCKED_NAME, scheme, family, timeoutMs: SERVED_MS });
      expect({ family, ...outcome }).toMatchObject({ family, outcome: "served" });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

/** A service, and its control socket, which is asked from outside of the namespace. */
export class Running {
  constructor(
    readonly service: Service,
    readonly stateDir: string,
  ) {}

  async status(): Promise<Status> {
    return (await askControl(`${this.stateDir}/control.sock`, "status")) as Status;
  }

  /** Memory in use, in megabytes: proc(5), VmRSS in KiB. */
  async memoryMb(): Promise<number> {
    const status = await Bun.file(`/proc/${this.service.pid}/status`).text();
    return (Number(/^VmRSS:\s+(\d+)/mu.exec(status)?.[1]) * 1024) / 1e6;
  }
}

/** Looks until it is so; then, or when the time is up, expects it. */
export async function expectSoon(
  look: () => Promise<unknown>,
  expected: unknown,
  withinMs: number = FOLLOWED_MS,
): Promise<void> {
  const end = performance.now() + withinMs;
  let found = await look();
  while (!Bun.deepEquals(found, expected) && performance.now() < end) {
    await Bun.sleep(LOOK_EVERY_MS);
    found = await look();
  }
  expect(found).toEqual(expected);
}
