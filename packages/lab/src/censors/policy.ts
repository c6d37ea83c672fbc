// The policy axis: what a box takes offence at when no listed name was found.
import type { TcpSegment } from "../tcp/segment.ts";
import type { PolicyAxis } from "./axes.ts";
import type { BlockedNames } from "./blocked-names.ts";
import type { Flow } from "./flow.ts";

export interface Evidence {
  readonly segment: TcpSegment;
  readonly flow: Flow;
  /** The name that can be read now. */
  readonly name: string | undefined;
  readonly allowed: BlockedNames;
}

/** The offence in words; undefined: none. */
export function offenceOf(policy: PolicyAxis, { segment, flow, name, allowed }: Evidence): string | undefined {
  if (policy.kind === "protocols") {
    const isWatched = policy.ports.includes(segment.destinationPort) && flow.dataPackets === policy.packets;
    return isWatched && flow.looksKnown === false ? "an unknown protocol" : undefined;
  }
  if (policy.kind === "allow-list") {
    if (name !== undefined) return allowed.match(name) === undefined ? name : undefined;
    return flow.looksKnown === false ? "an unknown protocol" : undefined;
  }
  return undefined;
}
