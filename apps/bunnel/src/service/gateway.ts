// What a gateway needs of its system, which is not ours to change: said at the start where it is missing.
import { existsSync, readFileSync } from "node:fs";
import type { Profile } from "@bunnel/profile";

const FORWARDING = [
  ["IPv4", "net/ipv4/ip_forward"],
  ["IPv6", "net/ipv6/conf/all/forwarding"],
] as const;

/** For each thing that keeps packets of the gateway's networks away one sentence; none where nothing is asked for. */
export function gatewayWarnings({ gateway }: Profile, root = "/"): string[] {
  if (gateway.interfaces.length === 0) return [];
  const off = FORWARDING.filter(([, key]) => readSetting(`${root}proc/sys/${key}`) === "0");
  const absent = gateway.interfaces.filter((name) => !existsSync(`${root}proc/sys/net/ipv4/conf/${name}`));
  return [
    ...off.map(
      ([family, key]) => `gateway: this machine forwards no ${family}: sysctl ${key.replaceAll("/", ".")} is 0`,
    ),
    ...absent.map((name) => `gateway: no interface "${name}" for now; its packets are looked at when it comes`),
  ];
}

/** Undefined where the system has no such family. */
function readSetting(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
