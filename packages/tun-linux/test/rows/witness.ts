// Further eyes on TUN interfaces: `ip tuntap`, /proc/net/dev, /sys as the namespace sees it, and tcpdump.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLinuxTun, type LinuxTun, type NetworkNamespace } from "../../src/index.ts";
import type { DeviceOptions } from "@bunnel/device";
import { ip, runInside } from "../witness.ts";

/** What `ip -j -d link` says about one interface; undefined: there is none. */
export function linkOf(namespace: NetworkNamespace, name: string): Record<string, unknown> | undefined {
  return ip(namespace, "-d", "link").find(({ ifname }) => ifname === name);
}

/** The part of it that the TUN driver fills in. */
export function tunDataOf(namespace: NetworkNamespace, name: string): Record<string, unknown> {
  const info = linkOf(namespace, name)?.["linkinfo"] as { readonly info_data?: Record<string, unknown> } | undefined;
  return info?.info_data ?? {};
}

/** What `ip -j tuntap` says about one interface; it reads /sys, so it gets the namespace's own. */
export function tuntapOf(namespace: NetworkNamespace, name: string): Record<string, unknown> | undefined {
  const script = "mount -t sysfs none /sys && ip -j tuntap show";
  const text = runInside(namespace, "unshare", "--mount", "sh", "-c", script);
  return (JSON.parse(text) as Record<string, unknown>[]).find(({ ifname }) => ifname === name);
}

/** Addresses as `ip -j addr` writes them. */
export function addressesOf(namespace: NetworkNamespace, name: string): Record<string, unknown>[] {
  const [link] = ip(namespace, "addr", "show", "dev", name);
  return (link?.["addr_info"] ?? []) as Record<string, unknown>[];
}

/** A file below /sys/class/net/<name>, read by a process of the namespace with a /sys of its own. */
export function sysFile(namespace: NetworkNamespace, name: string, file: string): string {
  const script = 'mount -t sysfs none /sys && cat "/sys/class/net/$0/$1"';
  return runInside(namespace, "unshare", "--mount", "sh", "-c", script, name, file).trim();
}

/** Counters of one interface in /proc/net/dev: octets and packets, as the system received and sent them. */
export function procCounters(namespace: NetworkNamespace, name: string) {
  const line = runInside(namespace, "cat", "/proc/net/dev")
    .split("\n")
    .find((each) => each.trimStart().startsWith(`${name}:`));
  const numbers = (line?.split(":")[1] ?? "").trim().split(/\s+/).map(Number);
  const [receivedBytes = -1, receivedPackets = -1] = numbers;
  const [sentBytes = -1, sentPackets = -1] = numbers.slice(8);
  return { receivedBytes, receivedPackets, sentBytes, sentPackets };
}

/**
 * What tcpdump sees on an interface while `work` runs: one line per packet, until `packets` came.
 * @param flags of tcpdump, to say how it prints
 */
export async function captured(
  namespace: NetworkNamespace,
  name: string,
  packets: number,
  work: () => unknown,
  flags: readonly string[] = [],
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "capture-"));
  const file = join(folder, "packets.pcap");
  const command = ["tcpdump", "-i", name, "-n", "-U", "--immediate-mode", "-c", String(packets), "-w", file];
  const tcpdump = namespace.run(() => Bun.spawn([...command, "-Z", "root"], { stderr: "pipe", stdout: "ignore" }));
  try {
    await started(tcpdump.stderr);
    await work();
    await tcpdump.exited;
    const { stdout } = Bun.spawnSync(["tcpdump", "-n", "-t", ...flags, "-r", file]);
    if (readFileSync(file).length === 0) return [];
    return stdout.toString().trimEnd().split("\n");
  } finally {
    tcpdump.kill();
    await tcpdump.exited;
    rmSync(folder, { recursive: true });
  }
}

/** Resolves when tcpdump says that it listens. */
async function started(stderr: ReadableStream<Uint8Array>): Promise<void> {
  const reader = stderr.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!text.includes("listening on")) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`tcpdump ended: ${text}`);
    text += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
}

/** A device into which the system sends nothing by itself. */
export function quietDevice(namespace: NetworkNamespace, options: DeviceOptions = {}): LinuxTun {
  return namespace.run(() => openLinuxTun({ ipv6LinkLocal: "none", ...options }));
}

/** Runs a TypeScript program that imports this package as `driver`, as another user or in another way. */
export function runProgram(namespace: NetworkNamespace, body: string, ...prefix: string[]) {
  const index = new URL("../../src/index.ts", import.meta.url).pathname;
  const program = `import * as driver from "${index}";\n${body}`;
  const { exitCode, stdout, stderr } = namespace.run(() =>
    Bun.spawnSync([...prefix, process.execPath, "-e", program], { env: { HOME: "/tmp", PATH: process.env["PATH"] } }),
  );
  return { exitCode, output: stdout.toString().trim(), errors: stderr.toString().trim() };
}

/**
 * Runs a command as an unprivileged user without any capability, on a machine whose TUN driver everybody may open, as
 * is usual.
 */
export function asUser(uid: number, gid = uid): string[] {
  const script = 'mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200 && exec "$@"';
  const ids = ["--reuid", String(uid), "--regid", String(gid), "--clear-groups"];
  const user = ["setpriv", ...ids, "--bounding-set", "-all", "--inh-caps", "-all"];
  return ["unshare", "--mount", "sh", "-c", script, "sh", ...user];
}
