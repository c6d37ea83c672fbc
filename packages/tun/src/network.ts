// The network that calls without an object of their own speak to.
import { driver, type DriverNetwork } from "./driver.ts";

/** Runs `work` on the network of the namespace that the calling thread is in. */
export function withNetwork<T>(work: (network: DriverNetwork) => T): T {
  using network = driver().openNetwork();
  return work(network);
}
