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
  // bsd/net/rtsock.c ROUNDUP32, and SS_PRIV in route_output
  N_ROUTE_ALIGN: 4,
  N_ROUTE_OPENER_COUNTS: 1,
  // bsd/net/if_var.h struct if_data
  O_if_data_ifi_mtu: 8,
  // bsd/net/if.h struct ifaliasreq
  O_alias_addr: 16,
  O_alias_other: 32,
  O_alias_mask: 48,
  // A utun always has the family before a packet.
  N_NEEDS_FAMILY_FOR_IPV6: 0,
};

type Variant = Partial<Pick<KernelOptions, "variadic" | "stubs" | "compiler">>;

export function darwinKernelOptions(variant: Variant = {}): KernelOptions {
  const folder = join(import.meta.dirname, "kernel");
  return {
    table: darwinTable("arm64"),
    extra: EXTRA,
    errnoLocation: "__error",
    sources: ["utun.c", "feth.c", "process.c"].map((name) => join(folder, name)),
    ...variant,
  };
}

export function darwinKernel(variant?: Variant): Kernel {
  return new Kernel(darwinKernelOptions(variant));
}

/** The driver in front of it. */
export function onKernel(kernel: Kernel, environment: DarwinEnvironment = {}): DarwinEnvironment {
  return { libraries: [kernel.path], arch: "x64", ...environment };
}
