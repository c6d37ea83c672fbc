// The drivers of macOS, the BSDs, Android and iOS behind the same contract. Nothing is loaded before it is chosen.
import type * as Bsd from "@bunnel/bsd";
import { DeviceError, type DriverCapabilities, type SystemDevice } from "@bunnel/device";
import type * as TunBsd from "@bunnel/tun-bsd";
import type * as TunDarwin from "@bunnel/tun-darwin";
import type * as TunLinux from "@bunnel/tun-linux";
import { BsdNetworkAdapter, linkInfo } from "./bsd-network.ts";
import type { Driver, DriverDnsHold } from "./driver.ts";

/** utun and feth; on iOS descriptors only. */
export function darwinDriver(
  environment: TunDarwin.DarwinEnvironment = {},
  dns?: TunDarwin.DarwinDnsEnvironment,
): Driver {
  const darwin = require("@bunnel/tun-darwin") as typeof TunDarwin;
  const { platform } = darwin.DARWIN_CAPABILITIES;
  return {
    ...network(platform, () => darwin.openDarwinCalls(environment)),
    capabilities: darwin.DARWIN_CAPABILITIES,
    open: (options) => darwin.openDarwinTun(options, environment),
    openDescriptor: (descriptor, options) => darwin.openDarwinDescriptor(descriptor, options, environment),
    openTransferred: darwin.openTransferredDarwin,
    setDns: (link, settings) => holdDarwinDns(darwin, link.name, settings, dns),
    // What a killed process has set has gone with it.
    recoverDns: () => Promise.resolve([]),
  };
}

/** @param platform "freebsd", "openbsd", "netbsd" or "dragonfly" */
export function bsdDriver(platform: string, environment: TunBsd.BsdEnvironment = {}): Driver {
  const tunBsd = require("@bunnel/tun-bsd") as typeof TunBsd;
  const system = environment.system ?? tunBsd.SYSTEMS[platform];
  if (!system) throw unsupported("TUN devices", platform);
  const here = { ...environment, system };
  return {
    ...network(platform, () => tunBsd.openBsdCalls(here).calls),
    capabilities: tunBsd.bsdCapabilities(system),
    open: (options) => tunBsd.openBsdTun(options, here),
    openDescriptor: (descriptor, options) => tunBsd.openBsdDescriptor(descriptor, options, here),
    openTransferred: tunBsd.openTransferredBsd,
    setDns: () => Promise.reject(unsupported("name servers of an interface", platform)),
    recoverDns: () => Promise.resolve([]),
  };
}

/**
 * Where the system makes the interface and gives the program its descriptor. On Android packets have nothing before
 * them, on iOS the address family.
 */
export function descriptorDriver(platform: "android" | "ios", environment?: TunDarwin.DarwinEnvironment): Driver {
  const capabilities: DriverCapabilities = {
    platform,
    media: ["ip"],
    options: [],
    changes: [],
    features: ["descriptors", "vectored"],
  };
  const never = (what: string) => () => {
    throw unsupported(what, platform);
  };
  return {
    capabilities,
    open: never("opening a device of one's own"),
    openQueue: never("queues"),
    openDescriptor(descriptor, options) {
      if (platform === "ios") {
        const darwin = require("@bunnel/tun-darwin") as typeof TunDarwin;
        return darwin.openDarwinDescriptor(descriptor, options, environment);
      }
      const linux = require("@bunnel/tun-linux") as typeof TunLinux;
      return linux.openLinuxDescriptor(descriptor, { vnetHeader: false, packetInformation: false, ...options });
    },
    openTransferred(handOver) {
      if (platform === "ios")
        return (require("@bunnel/tun-darwin") as typeof TunDarwin).openTransferredDarwin(handOver);
      return (require("@bunnel/tun-linux") as typeof TunLinux).openTransferredTun(handOver);
    },
    openNetwork: never("the system's network"),
    linkOf: never("interfaces"),
    watchFrom: never("events"),
    createNamespace: never("namespaces"),
    setDns: () => Promise.reject(unsupported("name servers of an interface", platform)),
    recoverDns: () => Promise.resolve([]),
  };
}

/** What all systems with a routing socket have in common. */
function network(platform: string, calls: () => Bsd.Calls) {
  const bsd = require("@bunnel/bsd") as typeof Bsd;
  const open = () => new BsdNetworkAdapter(new bsd.BsdNetwork(calls()), platform);
  return {
    openQueue(): SystemDevice {
      throw unsupported("queues", platform);
    },
    openNetwork: open,
    linkOf({ index }: SystemDevice): TunLinux.LinkInfo | undefined {
      using found = new bsd.BsdNetwork(calls());
      const link = found.link(index);
      return link && linkInfo(link);
    },
    watchFrom: (_: SystemDevice, signal?: AbortSignal) =>
      open().watch<"link" | "address">({ topics: ["link", "address"], ...(signal ? { signal } : {}) }),
    createNamespace(): TunLinux.NetworkNamespace {
      throw unsupported("namespaces", platform);
    },
  };
}

/** "~." asks for all names here, "~name" for those below it; other domains are looked through for single words, too. */
export function dnsOf({ servers, domains = [], defaultRoute }: TunLinux.LinkDns): TunDarwin.DarwinDns {
  const names = domains.map((text) => text.replace(/^~/, "").replace(/\.$/, ""));
  const isSplit = defaultRoute === false || (domains.length > 0 && domains.every((text) => /^~[^.]/.test(text)));
  return {
    servers,
    searchDomains: domains.filter((text) => !text.startsWith("~")),
    matchDomains: isSplit ? names : [""],
  };
}

async function holdDarwinDns(
  darwin: typeof TunDarwin,
  name: string,
  settings: TunLinux.LinkDns,
  environment: TunDarwin.DarwinDnsEnvironment | undefined,
): Promise<DriverDnsHold> {
  const hold = await Promise.resolve(darwin.setDarwinDns(name, dnsOf(settings), environment));
  return {
    backend: "configd",
    async change(dns) {
      await Promise.resolve(hold.change(dnsOf(dns)));
    },
    restore: () => Promise.resolve(hold.restore()),
    async [Symbol.asyncDispose]() {
      await Promise.resolve(hold.restore());
    },
  };
}

function unsupported(what: string, platform: string): DeviceError {
  return new DeviceError("E_UNSUPPORTED", `${what}: expected a platform that has it, found ${platform}`);
}
