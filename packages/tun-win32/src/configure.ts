// Setting a new adapter as the options ask, by the calls of iphlpapi that know it by its LUID.
import type { DeviceOptions } from "@bunnel/device";
import { changeInterface, familiesOf } from "./netcfg/interfaces.ts";
import { addAddress } from "./netcfg/addresses.ts";
import { parsePrefix } from "./netcfg/prefix.ts";
import { MTU_DEFAULT_BYTES, MTU_IPV6_MIN_BYTES, type WindowsOptions } from "./options.ts";
import type { WindowsSystem } from "./sys.ts";

/** Windows binds its IP stacks to a new adapter after the call that made it: looks until then, and between two. */
const BIND_LOOKS_MAX = 200;
const BIND_LOOK_MS = 10;

/** @throws DeviceError with whatever Windows refused; what was set before it stays set until the device is closed */
export function configure(system: WindowsSystem, { luid }: { readonly luid: bigint }, options: WindowsOptions): void {
  const { mtuBytes = MTU_DEFAULT_BYTES, metric, ipv6LinkLocal } = options;
  awaitStacks(system, luid);
  for (const family of familiesOf(system, luid)) {
    // Below it Windows' IPv6 refuses; whoever asks for it has no IPv6 address.
    if (family === 6 && mtuBytes < MTU_IPV6_MIN_BYTES) continue;
    changeInterface(system, luid, family, {
      mtuBytes,
      duplicateCheck: false,
      routerDiscovery: false,
      ...(metric === undefined ? {} : { metric }),
      ...(family === 6 && ipv6LinkLocal === "none" ? { linkLocal: false } : {}),
    });
  }
  for (const address of addressesOf(options)) addAddress(system, luid, parsePrefix(address));
}

function addressesOf({ addresses = [] }: DeviceOptions): string[] {
  return addresses.map((each) => (typeof each === "string" ? each : each.address));
}

/** Comes back when IPv4 is there, or nothing came; then the next call says what is missing. */
function awaitStacks(system: WindowsSystem, luid: bigint): void {
  for (let look = 0; look < BIND_LOOKS_MAX; look++) {
    if (familiesOf(system, luid).includes(4)) return;
    Bun.sleepSync(BIND_LOOK_MS);
  }
  changeInterface(system, luid, 4, {});
}
