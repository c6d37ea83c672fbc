// Settings of the network namespace that the calling thread is in; the kernel shows each reader its own (sysctl(8)).
import { existsSync, writeFileSync } from "node:fs";

const ROOT = "/proc/sys/";

/** @param key with slashes: "net/ipv4/ip_forward" */
export function setSysctl(key: string, value: number): void {
  writeFileSync(ROOT + key, String(value));
}

export function hasSysctl(key: string): boolean {
  return existsSync(ROOT + key);
}
