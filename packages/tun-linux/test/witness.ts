// Other eyes than ours on what the kernel holds: iproute2 and /sys, asked inside a namespace.
import type { NetworkNamespace } from "../src/index.ts";

/** What a program prints when it runs inside; its failure is an error. */
export function runInside(namespace: NetworkNamespace, ...command: string[]): string {
  const { exitCode, stdout, stderr } = namespace.run(() => Bun.spawnSync(command));
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: exit ${exitCode}, ${stderr.toString()}`);
  return stdout.toString();
}

/** What `ip -j` tells, as it tells it. */
export function ip(namespace: NetworkNamespace, ...args: string[]): Record<string, unknown>[] {
  const text = runInside(namespace, "ip", "-j", ...args);
  // iproute2 pads lists that it filtered with empty objects.
  const all = (text.trim() === "" ? [] : JSON.parse(text)) as Record<string, unknown>[];
  return all.filter((entry) => Object.keys(entry).length > 0);
}
