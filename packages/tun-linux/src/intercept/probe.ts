// Whether nft mode can be had here, by trying it out in a transaction that leaves nothing.
import { DeviceError } from "@bunnel/device";
import { NftClient } from "../nft/client.ts";
import { deleteTable, newRouteChain, newRule, newTable } from "../nft/message.ts";
import { carries } from "../nft/match.ts";

/**
 * Undefined when nft mode can be had in the calling thread's network namespace, or else why not. The table, chain and
 * rule that are tried exist for nobody: one transaction makes and removes them.
 */
export function canMakeNftTable(): string | undefined {
  // A name of its own, so that it cannot meet the table of a bunnel that runs.
  const table = `bunnel-probe-${process.pid}`;
  try {
    using client = NftClient.open();
    client.commit([
      newTable(table, 0, table),
      newRouteChain(table, "output", 0),
      newRule(table, "output", carries(0, Uint8Array.of(0))),
      deleteTable(table),
    ]);
    return undefined;
  } catch (error) {
    if (error instanceof DeviceError) return `nftables: ${error.message}`;
    throw error;
  }
}
