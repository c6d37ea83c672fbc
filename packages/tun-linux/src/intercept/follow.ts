// Keeps an interception in step with the network: uplinks come and go, and other programs tidy up rules.
import type { NetworkEvent } from "../netcfg/events.ts";
import { TABLE_MAIN } from "../netcfg/routes.ts";
import type { LinuxInterception } from "./interception.ts";
import { LAST_TABLE, ROUTE_TABLE } from "./marks.ts";

/**
 * Refreshes the interception at each event that can concern it, until the events end. Close the events before the
 * interception.
 * @throws DeviceError what `refresh` throws; events are read no further then
 */
export async function followNetwork(
  interception: Pick<LinuxInterception, "refresh">,
  events: AsyncIterable<NetworkEvent>,
): Promise<void> {
  for await (const event of events) if (concerns(event)) interception.refresh();
}

/** Neighbours, statistics and routes of other tables are none of our business. */
function concerns(event: NetworkEvent): boolean {
  switch (event.type) {
    case "route":
      return [TABLE_MAIN, ROUTE_TABLE, LAST_TABLE].includes(event.route.table);
    case "rule":
      return event.change === "removed";
    case "link":
    case "address":
    case "lost":
      return true;
  }
}
