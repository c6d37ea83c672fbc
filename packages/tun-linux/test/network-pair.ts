// A network of one's own with a pair of interfaces that are up, and other eyes than ours on it.
import { DeviceError } from "@bunnel/device";
import { NetworkNamespace } from "../src/namespace.ts";
import { RouteNetlink } from "../src/netcfg/route-netlink.ts";
import { ip, runInside } from "./witness.ts";

export type Json = Record<string, unknown>;

/** a0 and b0, without addresses and without IPv6 link-local ones of their own accord. */
export class NetworkPair implements Disposable {
  readonly namespace = NetworkNamespace.create();
  readonly netlink: RouteNetlink;
  readonly a0: number;
  readonly b0: number;

  constructor() {
    this.netlink = this.namespace.run(() => RouteNetlink.open());
    this.netlink.addVeth("a0", "b0", { mtuBytes: 1400 });
    this.a0 = this.indexOf("a0");
    this.b0 = this.indexOf("b0");
    for (const index of [this.a0, this.b0]) this.netlink.setLink(index, { ipv6LinkLocal: "none", up: true });
  }

  /** 0 for an interface that is not there. */
  indexOf(name: string): number {
    return this.netlink.link(name)?.index ?? 0;
  }

  /** What iproute2 tells in JSON. */
  ip(words: string): Json[] {
    return ip(this.namespace, ...words.split(" "));
  }

  /** What a program prints. */
  run(words: string): string {
    return runInside(this.namespace, ...words.split(" "));
  }

  [Symbol.dispose](): void {
    this.netlink.close();
    this.namespace.close();
  }
}

/** The DeviceError that `work` throws. */
export function failureOf(work: () => unknown): DeviceError {
  try {
    work();
  } catch (error) {
    if (error instanceof DeviceError) return error;
    throw error;
  }
  throw new Error("expected a failure, found none");
}
