// The name servers of a link.
import { DeviceError } from "@bunnel/device";
import type { DnsOptions, LinkDns } from "@bunnel/tun-linux";
import { driver, type DriverDnsHold } from "./driver.ts";
import { withNetwork } from "./network.ts";

/** Which servers names are asked at. */
export const dns = {
  /**
   * Has names asked at the servers of an interface of the calling thread's network namespace, until `restore` or
   * `await using` puts back what was. What a killed process left is put back first.
   * @throws DeviceError E_DEVICE_GONE when there is no such interface, E_DEVICE_OPTION for texts that cannot be read,
   * E_DEVICE_BUSY while somebody else holds them, E_UNSUPPORTED for servers for some names only where the system's
   * resolver cannot tell names apart, E_DEVICE_DENIED without the right
   */
  async set(nameOrIndex: string | number, settings: LinkDns, options?: DnsOptions): Promise<DriverDnsHold> {
    const link = withNetwork((network) => network.link(nameOrIndex));
    if (!link) throw new DeviceError("E_DEVICE_GONE", `interface ${nameOrIndex}: expected one, found none`);
    return driver().setDns(link, settings, options);
  },

  /** Puts back what processes that no longer live have left, and says what, line by line. `set` does the same. */
  recover(options?: DnsOptions): Promise<string[]> {
    return driver().recoverDns(options);
  },
};
