// Which keys of a profile are taken at the start alone.
import type { Profile } from "@bunnel/profile";

const KEYS: readonly (readonly [key: string, of: (profile: Profile) => unknown])[] = [
  ["gateway.interfaces", ({ gateway }) => gateway.interfaces.join()],
  ["device.name", ({ device }) => device.name],
  ["device.address", ({ device }) => device.address],
  ["device.netmask", ({ device }) => device.netmask],
  ["device.mtu", ({ device }) => device.mtuBytes],
  ["device.offload", ({ device }) => device.offload],
  ["device.queues", ({ device }) => device.queues],
  ["device.pump", ({ device }) => device.pump],
  ["service.user", ({ service }) => service.user],
  ["service.audit_log", ({ service }) => service.auditLog],
  ["memory.enabled", ({ memory }) => memory.enabled],
  ["memory.file", ({ memory }) => memory.file],
  ["memory.max_hosts", ({ memory }) => memory.maxHosts],
  ["memory.watch", ({ memory }) => memory.watch],
  ["limits.max_flows", ({ limits }) => limits.maxFlows],
  ["limits.max_queue_size", ({ limits }) => limits.maxQueueSize],
];

/** The keys in which a profile differs from the one that the service was started with. */
export function needsRestart(started: Profile, next: Profile): string[] {
  return KEYS.filter(([, of]) => of(started) !== of(next)).map(([key]) => key);
}
