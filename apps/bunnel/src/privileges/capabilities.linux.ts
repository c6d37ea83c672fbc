// What this process may do (capabilities(7)), read from /proc/self/status.
import { readFileSync } from "node:fs";

/** Bits of linux/capability.h */
export const BITS = { CAP_NET_ADMIN: 12, CAP_NET_RAW: 13, CAP_SYS_ADMIN: 21 } as const;
export type Capability = keyof typeof BITS;

/** Those of the wanted capabilities that are not in force. */
export function missingCapabilities(wanted: readonly Capability[]): Capability[] {
  const effective = effectiveCapabilities();
  return wanted.filter((name) => ((effective >> BigInt(BITS[name])) & 1n) === 0n);
}

function effectiveCapabilities(): bigint {
  const line = /^CapEff:\s*([0-9a-f]+)$/mu.exec(readFileSync("/proc/self/status", "utf8"));
  return BigInt(`0x${line?.[1] ?? "0"}`);
}
