// Whether the answers of servers are looked at: only while a rule needs to know how far away they are.
import type { InboundTap } from "@bunnel/device";
import { BackendError } from "./errors.ts";
import { needsDistance } from "./needs-distance.ts";
import type { TunPlatform } from "./platform.ts";

/** The tap listens while a rule needs it. */
export function watchDistance(platform: TunPlatform, tap: InboundTap | undefined, table: Uint8Array): void {
  const needed = needsDistance(table);
  if (needed && tap === undefined) {
    const message = `a rule with ttl=auto needs to see the answers of servers: platform ${platform.name} cannot`;
    throw new BackendError("E_NOT_SUPPORTED", message);
  }
  tap?.listen(needed);
}
