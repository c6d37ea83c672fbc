// The driver of Windows, as this package asks drivers.
import { checkFeature, DeviceError, type SystemDevice } from "@bunnel/device";
import type { LinkDns } from "@bunnel/tun-linux";
import type * as TunWin32 from "@bunnel/tun-win32";
import type { Driver, DriverDnsHold } from "./driver.ts";
import { linkOf } from "./win32-shapes.ts";
import { Win32Network } from "./win32-network.ts";

/** ipifcons.h IF_TYPE_PROP_VIRTUAL: what Wintun's adapters are. */
const TYPE_VIRTUAL = 53;

/**
 * Wintun and tap-windows6.
 * @param setup other libraries than those of Windows
 */
export function win32(setup: TunWin32.WindowsSetupOptions = {}): Driver {
  const tunWin32 = require("@bunnel/tun-win32") as typeof TunWin32;
  const { WINDOWS_CAPABILITIES: capabilities, WindowsNetwork, openWindowsTun } = tunWin32;
  const network = () => new WindowsNetwork(setup);
  const mustHave = (feature: Parameters<typeof checkFeature>[1]): never => {
    checkFeature(capabilities, feature);
    throw new Error(`${feature}: expected no such feature, found one`);
  };
  return {
    capabilities,
    open: (options) => openWindowsTun({ ...options, setup }),
    openQueue: () => mustHave("queues"),
    openDescriptor: () => mustHave("descriptors"),
    openTransferred: tunWin32.openTransferredWindows,
    openNetwork: () => new Win32Network(network()),
    linkOf: ({ index }) => {
      const found = network().link(index);
      return found && linkOf(found);
    },
    watchFrom: (_device: SystemDevice, signal) =>
      new Win32Network(network()).watch({ topics: ["link", "address"], ...(signal ? { signal } : {}) }),
    createNamespace: () => mustHave("namespaces"),
    setDns: async ({ index }, settings) => holdDns(network(), index, settings),
    recoverDns: async () => [],
  };
}

/** Only for adapters of Wintun: they begin without servers, and what is set goes with them. */
function holdDns(network: TunWin32.WindowsNetwork, index: number, settings: LinkDns): DriverDnsHold {
  const isOurs = () => network.link(index)?.type === TYPE_VIRTUAL;
  if (!isOurs()) {
    throw new DeviceError(
      "E_UNSUPPORTED",
      `name servers of interface ${index}: expected a Wintun adapter, found another`,
    );
  }
  const set = ({ servers, domains = [], defaultRoute }: LinkDns): void => {
    const isSplit = defaultRoute !== undefined || domains.some((domain) => domain.startsWith("~"));
    if (isSplit) throw new DeviceError("E_UNSUPPORTED", "name servers for some names only: found win32 without such");
    network.setDns(index, { servers, search: domains });
  };
  let isHeld = true;
  const restore = async (): Promise<boolean> => {
    if (!isHeld) return true;
    isHeld = false;
    if (!isOurs()) return false;
    network.clearDns(index);
    return true;
  };
  set(settings);
  const change = async (next: LinkDns): Promise<void> => set(next);
  return { backend: "iphlpapi", change, restore, [Symbol.asyncDispose]: async () => void (await restore()) };
}
