// Where the system keeps its name servers; each place can be another one, for tests and containers.
import { DeviceError } from "@bunnel/device";
import { busSocket } from "./bus-address.ts";

/**
 * "resolved": systemd-resolved is told the servers of the link. "resolv.conf": the file that all programs read is
 * replaced. "auto": resolved where it runs, in this network namespace, and the file leads to it; else the file.
 */
export type DnsBackend = "resolved" | "resolv.conf";

/** Where name servers are set, and where it is kept how to put them back. */
export interface DnsOptions {
  /** Default "auto". */
  readonly backend?: DnsBackend | "auto";
  /** Default "/etc/resolv.conf". */
  readonly resolvConfPath?: string;
  /** Where it is kept what has to be put back. Default "/run/bunnel". */
  readonly stateFolder?: string;
  /** Of the system bus: "unix:path=…". Default: DBUS_SYSTEM_BUS_ADDRESS of the environment, else the system's. */
  readonly busAddress?: string;
}

export interface DnsPlaces {
  readonly backend: DnsBackend | "auto";
  readonly resolvConfPath: string;
  readonly stateFolder: string;
  /** Socket of the bus; undefined where there is none that can be used. */
  readonly bus: string | undefined;
}

const BACKENDS: ReadonlySet<string> = new Set(["auto", "resolved", "resolv.conf"]);

/** @throws DeviceError E_DEVICE_OPTION for a backend that there is not */
export function placesOf(options: DnsOptions): DnsPlaces {
  const { backend = "auto", resolvConfPath = "/etc/resolv.conf", stateFolder = "/run/bunnel", busAddress } = options;
  if (!BACKENDS.has(backend)) {
    const expected = [...BACKENDS].join(", ");
    throw new DeviceError("E_DEVICE_OPTION", `dns backend: expected one of ${expected}, found "${backend}"`);
  }
  const bus = busAddress === undefined ? busSocket() : busSocket(busAddress);
  return { backend, resolvConfPath, stateFolder, bus };
}
