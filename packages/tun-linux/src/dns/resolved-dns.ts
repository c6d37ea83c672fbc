// Name servers of a link in systemd-resolved, which forgets them by itself when the link goes.
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { DeviceError } from "@bunnel/device";
import { LockedState } from "../locked-state/index.ts";
import type { DnsPlaces } from "./dns-options.ts";
import { DNS_FORM, type DnsState } from "./dns-state.ts";
import { Resolved } from "./resolved.ts";
import type { CheckedDns } from "./settings.ts";

/** The link as it is known in the calling thread's network namespace. */
export interface DnsLink {
  readonly index: number;
  readonly name: string;
  readonly namespace: string;
}

export function linkStateName(index: number): string {
  return `dns-link-${index}.json`;
}

/** Whether an interface index means the same to resolved as to us. Where that cannot be seen, it is taken to. */
export async function isInNamespace(resolved: Resolved, namespace: string): Promise<boolean> {
  const processId = await resolved.processId();
  try {
    return readlinkSync(`/proc/${processId}/ns/net`) === namespace;
  } catch {
    return true;
  }
}

/** A link while resolved has our servers for it. */
export class ResolvedDns {
  readonly #bus: string;
  readonly #state: LockedState<DnsState>;
  readonly #index: number;
  #dns: CheckedDns;

  private constructor(bus: string, state: LockedState<DnsState>, index: number, dns: CheckedDns) {
    this.#bus = bus;
    this.#state = state;
    this.#index = index;
    this.#dns = dns;
  }

  /**
   * @param bus socket of the bus that `resolved` is connected to
   * @throws DeviceError E_DEVICE_BUSY while another process holds the link's servers, and as `Resolved.setLink`
   */
  static async hold(
    resolved: Resolved,
    bus: string,
    { index, name, namespace }: DnsLink,
    dns: CheckedDns,
    { stateFolder }: Pick<DnsPlaces, "stateFolder">,
  ): Promise<ResolvedDns> {
    const state = LockedState.claim(join(stateFolder, linkStateName(index)), DNS_FORM);
    if (!state) throw new DeviceError("E_DEVICE_BUSY", `dns of ${name}: expected it free, found it held already`);
    try {
      state.write({ backend: "resolved", index, name, namespace });
      await resolved.setLink(index, dns);
      return new ResolvedDns(bus, state, index, dns);
    } catch (error) {
      await unlessGone(resolved.revertLink(index)).catch(() => undefined);
      state.clear();
      state[Symbol.dispose]();
      throw error;
    }
  }

  async change(dns: CheckedDns): Promise<void> {
    using resolved = await Resolved.connect(this.#bus);
    // A default route can be set but not taken back by itself.
    if (this.#dns.defaultRoute !== undefined && dns.defaultRoute === undefined) await resolved.revertLink(this.#index);
    await resolved.setLink(this.#index, dns);
    this.#dns = dns;
  }

  /** False: the link or resolved is gone, and the servers with it. */
  async restore(): Promise<boolean> {
    try {
      return await unlessGone(revert(this.#bus, this.#index));
    } finally {
      this.#state.clear();
      this.#state[Symbol.dispose]();
    }
  }
}

/** Takes back what a killed process told resolved about a link. False: link or resolved are gone. */
export function revertLeft(index: number, bus: string): Promise<boolean> {
  return unlessGone(revert(bus, index));
}

async function revert(bus: string, index: number): Promise<void> {
  using resolved = await Resolved.connect(bus);
  await resolved.revertLink(index);
}

async function unlessGone(reverting: Promise<void>): Promise<boolean> {
  try {
    await reverting;
    return true;
  } catch (error) {
    if (error instanceof DeviceError && (error.code === "E_DEVICE_GONE" || error.code === "E_DEVICE_MISSING")) {
      return false;
    }
    throw error;
  }
}
