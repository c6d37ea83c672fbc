// The fake kernel as each BSD. Its numbers come from tables of their headers (test/abi); what those leave out is named
// here with its source.
import { join } from "node:path";
import { Kernel, readTable, type AbiTable } from "@bunnel/bsd/proof";
import { SYSTEMS, type BsdEnvironment, type BsdTunSystem } from "../src/index.ts";

export type BsdName = "freebsd" | "openbsd" | "netbsd" | "dragonfly";
export const BSD_NAMES: readonly BsdName[] = ["freebsd", "openbsd", "netbsd", "dragonfly"];

export function bsdTable(name: BsdName): AbiTable {
  return readTable(new URL(`./abi/${name}-x64.json`, import.meta.url));
}

export function systemOf(name: BsdName): BsdTunSystem {
  const system = SYSTEMS[name];
  if (!system) throw new Error(`system ${name}: expected a table, found none`);
  return system;
}

/** How nodes are opened (0 cloned, 1 by unit, 2 made first), and whether interfaces outlive their descriptors. */
const WAYS: Readonly<Record<BsdName, Readonly<Record<string, number>>>> = {
  // if_tuntap.c: tunclone(), tunclose()
  freebsd: { WAY_TUN: 0, WAY_TAP: 0, TUN_STAYS: 1, TAP_STAYS: 1, ALWAYS_FAMILY: 0, N_NEEDS_FAMILY_FOR_IPV6: 1 },
  // if_tun.c: tun_dev_open(), tun_dev_close()
  openbsd: { WAY_TUN: 1, WAY_TAP: 1, TUN_STAYS: 0, TAP_STAYS: 0, ALWAYS_FAMILY: 1, N_NEEDS_FAMILY_FOR_IPV6: 0 },
  // if_tun.c: tunopen(); if_tap.c: tap_cdev_open()
  netbsd: { WAY_TUN: 1, WAY_TAP: 0, TUN_STAYS: 1, TAP_STAYS: 1, ALWAYS_FAMILY: 0, N_NEEDS_FAMILY_FOR_IPV6: 1 },
  // if_tun.c: tunopen(); interfaces are made by SIOCIFCREATE2
  dragonfly: { WAY_TUN: 2, WAY_TAP: 2, TUN_STAYS: 1, TAP_STAYS: 1, ALWAYS_FAMILY: 0, N_NEEDS_FAMILY_FOR_IPV6: 1 },
};

const EXTRA = {
  // net/rtsock.c ROUNDUP: to the size of a long
  N_ROUTE_ALIGN: 8,
  O_alias_addr: 16,
  O_alias_other: 32,
  O_alias_mask: 48,
};

/** What the table of FreeBSD's headers does not have: sys/socket.h, net/if.h struct if_data, netinet6/in6_var.h. */
const FREEBSD_EXTRA = { N_NET_RT_IFLIST: 3, O_if_data_ifi_mtu: 8, N_SIOCGIFINFO_IN6: 0xc048_696c };

export interface BsdKernelOptions {
  /** FreeBSD 15: interfaces can go with their descriptor. Default false. */
  readonly transient?: boolean;
}

export function bsdKernel(name: BsdName, { transient = false }: BsdKernelOptions = {}): Kernel {
  return new Kernel({
    table: bsdTable(name),
    extra: {
      ...WAYS[name],
      ...EXTRA,
      ...(name === "freebsd" ? FREEBSD_EXTRA : {}),
      // FreeBSD 15, net/if_tun.h: _IOW('t', 98, int)
      ...(transient ? { N_TUNSTRANSIENT: 0x8004_7462 } : {}),
    },
    errnoLocation: systemOf(name).errnoLocation,
    sources: [join(import.meta.dirname, "kernel", "nodes.c")],
  });
}

/** The driver in front of it. */
export function onKernel(kernel: Kernel, name: BsdName): BsdEnvironment {
  return { libraries: [kernel.path], arch: "x64", system: systemOf(name) };
}
