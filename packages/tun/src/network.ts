// The network that calls without an object of their own speak to.
import type { RouteNetlink } from "@bunnel/tun-linux";
import { driver } from "./driver.ts";

/** Runs `work` on the network of the namespace that the calling thread is in. */
export function withNetwork<T>(work: (network: RouteNetlink) => T): T {
  using network = driver().openNetwork();
  return work(network);
}
