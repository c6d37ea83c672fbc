// The fake kernel as macOS. Its numbers come from xnu's own headers (test/abi); refusals are named where they are made.
import { join } from "node:path";
import { Kernel, readTable, type AbiTable, type KernelOptions } from "@bunnel/bsd/proof";
import type { DarwinEnvironment } from "../src/index.ts";

export type DarwinArch = "arm64" | "x64";

export function darwinTable(arch: DarwinArch): AbiTable {
  return readTable(new URL(`./abi/darwin-${arch}.json`, import.meta.url));
}

/** What the tables leave out, and where in xnu it stands. */
const EXTRA = {
  // bsd/sys/socket.h
  N_NET_RT_IFLIST: 3,
  // bsd/net/rtsock.c ROUNDUP32
  N_ROUTE_ALIGN: 4,
  // bsd/net/if_var.h struct if_data
  O_if_data_ifi_mtu: 8,
  // bsd/net/if.h struct ifaliasreq
  O_alias_addr: 16,
  O_alias_other: 32,
  O_alias_mask: 48,
  // A utun always has the family before a packet.
  N_NEEDS_FAMILY_FOR_IPV6: 0,
};

export function darwinKernel(options: Partial<Pick<KernelOptions, "variadic" | "stubs">> = {}): Kernel {
  const folder = join(import.meta.dirname, "kernel");
  return new Kernel({
    table: darwinTable("arm64"),
    extra: EXTRA,
    errnoLocation: "__error",
    sources: ["utun.c", "feth.c"].map((name) => join(folder, name)),
    ...options,
  });
}

/** The driver in front of it. */
export function onKernel(kernel: Kernel, environment: DarwinEnvironment = {}): DarwinEnvironment {
  return { libraries: [kernel.path], arch: "x64", ...environment };
}
