// Local addresses that nobody has used before. A box that punishes whoever it has caught knows them by their address:
// from another one the next try begins as if nothing had been. In IPv6 a machine has a network of 2^64 addresses to
// itself, and may take one for each try; in IPv4 there are those that the interface has beside its first.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { DeviceError } from "@bunnel/device";
import { RouteNetlink } from "@bunnel/tun-linux";
import { familyOf } from "../question.ts";
import type { Sources } from "../search/address-pool.ts";

/** The kernel takes them away by itself after so long, should nobody be left who could: a try is shorter. */
const VALID_SECONDS = 60;
/** Held at a time: what is added beyond pushes out the oldest, whose try is over. */
const HELD_MAX = 32;
/** Groups that interfaces have joined, as the kernel lists them. */
const GROUPS = "/proc/self/net/igmp6";
const JOIN_TRIES = 200;
const JOIN_PAUSE_MS = 2;
/** The part of an IPv6 address that is the network's (RFC 7421). */
const NETWORK_OCTETS = 8;

/** Which interface leads to an address, and from which of its addresses. */
interface Way {
  readonly index: number;
  readonly source: string;
}

interface Held {
  readonly index: number;
  readonly address: string;
}

export class FreshSources implements Sources, Disposable {
  readonly #netlink = RouteNetlink.open();
  readonly #used = new Set<string>();
  readonly #held: Held[] = [];

  /** @param given IPv4 or IPv6 addresses of this machine that may be used besides those of the interface itself */
  constructor(readonly given: readonly string[] = []) {}

  async take(towards: string): Promise<string | undefined> {
    const family = familyOf(towards);
    const way = this.#wayTo(towards);
    if (way === undefined) return undefined;
    const spare = this.#spare(way, family);
    if (spare === undefined) return family === 6 ? this.#make(way) : undefined;
    this.#used.add(spare);
    return spare;
  }

  giveBack(source: string): void {
    this.#used.delete(source);
  }

  /** Takes away what was added. */
  [Symbol.dispose](): void {
    for (const held of this.#held.splice(0)) this.#remove(held);
    this.#netlink.close();
  }

  #wayTo(towards: string): Way | undefined {
    const { type, route } = this.#netlink.lookupRoute({ destination: towards });
    if (type !== "unicast" || route?.index === undefined || route.source === undefined) return undefined;
    return { index: route.index, source: route.source };
  }

  /** An address that the machine has, and that was not used yet. */
  #spare({ index, source }: Way, family: 4 | 6): string | undefined {
    const there = this.#netlink.addresses(index);
    const own = there.flatMap(({ address, scope, validSeconds, family: of }) =>
      // What comes and goes by itself is somebody's privacy, and in IPv6 there is a better way.
      of === family && family === 4 && scope === 0 && validSeconds === undefined ? [hostOf(address)] : [],
    );
    const given = this.given.filter((address) => familyOf(address) === family);
    return [...given, ...own].find((address) => address !== source && !this.#used.has(address));
  }

  /** A new address in the network of the source, which nothing else of this machine chooses by itself. */
  async #make({ index, source }: Way): Promise<string | undefined> {
    const network = this.#netlink
      .addresses(index)
      .find(({ address, family, scope }) => family === 6 && scope === 0 && hostOf(address) === source);
    if (network === undefined || Number(network.address.split("/")[1]) > NETWORK_OCTETS * 8) return undefined;
    const address = withHost(source, randomBytes(8));
    const oldest = this.#held.length >= HELD_MAX ? this.#held.shift() : undefined;
    if (oldest !== undefined) this.#remove(oldest);
    try {
      // The network's own route leads to the neighbours; one for this address alone would outlive it.
      const lifetimes = { preferredSeconds: 0, validSeconds: VALID_SECONDS };
      this.#netlink.addAddress(index, `${address}/128`, { ...lifetimes, noDad: true, noPrefixRoute: true });
    } catch (error) {
      if (error instanceof DeviceError) return undefined;
      throw error;
    }
    this.#held.push({ index, address });
    await joined(index, address);
    return address;
  }

  #remove({ index, address }: Held): void {
    try {
      this.#netlink.removeAddress(index, `${address}/128`);
    } catch (error) {
      // Its time was over, or the interface is gone.
      if (!(error instanceof DeviceError)) throw error;
    }
  }
}

/**
 * The kernel joins the group in which neighbours ask for the address (RFC 4861 section 7.2.1) a little later than it
 * takes the address. Who connects before is answered a second late, when they ask again.
 */
async function joined(index: number, address: string): Promise<void> {
  const last = address
    .split(":")
    .slice(-2)
    .map((group) => group.padStart(4, "0"))
    .join("");
  const group = new RegExp(`^${index}\\s.*\\sff0200000000000000000001ff${last.slice(2)}\\s`, "mu");
  for (let tries = 0; tries < JOIN_TRIES; tries++) {
    if (group.test(readFileSync(GROUPS, "utf8"))) return;
    await Bun.sleep(JOIN_PAUSE_MS);
  }
}

function hostOf(prefix: string): string {
  return prefix.split("/")[0] ?? prefix;
}

/** The network of an address with another host in it. */
export function withHost(address: string, host: Uint8Array): string {
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const whole =
    tail === undefined ? groups : [...groups, ...Array<string>(8 - groups.length - last.length).fill("0"), ...last];
  const own = Array.from({ length: 4 }, (_, at) => {
    const group = ((host[at * 2] ?? 0) << 8) | (host[at * 2 + 1] ?? 0);
    return group.toString(16);
  });
  return [...whole.slice(0, 4), ...own].join(":");
}
