// The stream of changes to the network.
import type { ConfigurationTopic, NetworkTopic, WatchOptions } from "@bunnel/tun-linux";
import type { DriverEvents } from "./driver.ts";
import { withNetwork } from "./network.ts";

/**
 * Changes of interfaces, addresses, routes and rules from now on, of neighbours when they are asked for, in the network
 * namespace that the calling thread is in now. An event "lost" means: more came than could be kept, look again.
 * @throws the signal's reason when it is aborted already
 */
export function watchNetwork<T extends NetworkTopic = ConfigurationTopic>(options?: WatchOptions<T>): DriverEvents<T> {
  return withNetwork((network) => network.watch(options));
}
