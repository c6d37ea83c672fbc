// The `[gateway]` of a profile: for whose networks this machine looks at packets besides its own.
import * as v from "valibot";
import { deepFreeze } from "../freeze.ts";
import { table as jsonTable, texts, type JsonSchema } from "./json-schema-parts.ts";
import { list, read, table } from "./schema-words.ts";
import { readInterfaceName } from "./values.ts";

/** The `[gateway]` of a profile. */
export interface GatewaySettings {
  /** Interfaces of networks whose packets this machine forwards. None: its own packets alone are looked at. */
  readonly interfaces: readonly string[];
}

export const GATEWAY_DEFAULTS: GatewaySettings = deepFreeze({ interfaces: [] });

/** The schema of `[gateway]`. */
export const gatewayTable = table({
  interfaces: v.optional(list(read(readInterfaceName)), [...GATEWAY_DEFAULTS.interfaces]),
});

/** The section as the commented sample has it. */
export function gatewayText(): string {
  return `# For a router: packets of other machines that it forwards.
[gateway]
# Interfaces of the networks whose packets are looked at on their way out by an uplink: "br-lan". Empty: of none. Needs
# nftables.
interfaces = []
`;
}

/** The section in the JSON Schema. */
export function gatewayJsonSchema(): JsonSchema {
  return jsonTable("For a router: packets of other machines that it forwards.", {
    interfaces: texts("Interfaces of the networks whose packets are looked at. Empty: of none."),
  });
}
