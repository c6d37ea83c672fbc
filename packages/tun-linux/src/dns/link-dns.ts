// The name servers of a link: set, changed while they are held, put back; also when the process that set them was
// killed.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { DeviceError } from "@bunnel/device";
import { errnoOf, LockedState } from "../locked-state/index.ts";
import { currentNamespace } from "../namespace.ts";
import { RouteNetlink } from "../netcfg/route-netlink.ts";
import { placesOf, type DnsBackend, type DnsOptions, type DnsPlaces } from "./dns-options.ts";
import { DNS_FORM } from "./dns-state.ts";
import { FileDns, putBack } from "./file-dns.ts";
import { asksResolved } from "./resolv-conf.ts";
import { isInNamespace, ResolvedDns, revertLeft, type DnsLink } from "./resolved-dns.ts";
import { Resolved } from "./resolved.ts";
import { checkDns, type CheckedDns, type LinkDns } from "./settings.ts";

const STATE_FILE = /^dns-(resolv\.conf|link-[0-9]+)\.json$/;
const ENOENT = 2; // asm-generic/errno-base.h

/** Name servers that were set. They stay until `restore`, or until the link goes where resolved holds them. */
export interface LinkDnsHold extends AsyncDisposable {
  readonly backend: DnsBackend;
  /** Other servers and domains in the place of those that are set. Errors as for `setLinkDns`. */
  change(dns: LinkDns): Promise<void>;
  /**
   * Puts back what was. A second call does nothing. False: there was nothing to put back, because the link is gone or
   * somebody else has changed the file since.
   */
  restore(): Promise<boolean>;
}

/**
 * Has names asked at the servers of a link, in the network namespace that the calling thread is in when this is called.
 * What a killed process left is put back first.
 * @throws DeviceError E_DEVICE_OPTION for texts that cannot be read, E_DEVICE_BUSY while somebody else holds them,
 * E_DEVICE_MISSING where resolved is wanted and absent, E_UNSUPPORTED for servers for some names only without resolved,
 * E_DEVICE_DENIED, E_DEVICE_GONE or E_DEVICE_SYSTEM as the backend says
 */
export async function setLinkDns(
  link: { readonly index: number; readonly name: string },
  settings: LinkDns,
  options: DnsOptions = {},
): Promise<LinkDnsHold> {
  const here: DnsLink = { index: link.index, name: link.name, namespace: currentNamespace() };
  const places = placesOf(options);
  const dns = checkDns(settings);
  await recover(places);
  const held = (await holdInResolved(here, dns, places)) ?? FileDns.hold(here.name, dns, places);
  return holdOf(held);
}

/**
 * Puts back what processes that no longer live have left, and says what, line by line. `setLinkDns` does the same.
 * @throws DeviceError E_DEVICE_STATE for a state file that is not ours to trust
 */
export function recoverDns(options: DnsOptions = {}): Promise<string[]> {
  return recover(placesOf(options));
}

/** Undefined: it is to be the file. */
async function holdInResolved(link: DnsLink, dns: CheckedDns, places: DnsPlaces): Promise<ResolvedDns | undefined> {
  const { backend, bus } = places;
  if (backend === "resolv.conf" || (backend === "auto" && !leadsToResolved(places.resolvConfPath))) return undefined;
  try {
    if (bus === undefined) throw new DeviceError("E_DEVICE_MISSING", "system bus: expected a unix socket, found none");
    using resolved = await Resolved.connect(bus);
    if (await isInNamespace(resolved, link.namespace)) return await ResolvedDns.hold(resolved, bus, link, dns, places);
    throw new DeviceError("E_DEVICE_MISSING", "systemd-resolved: expected it in this network namespace, found another");
  } catch (error) {
    const isAbsent = error instanceof DeviceError && error.code === "E_DEVICE_MISSING";
    if (backend === "auto" && isAbsent) return undefined;
    throw error;
  }
}

function holdOf(held: ResolvedDns | FileDns): LinkDnsHold {
  let isHeld = true;
  const hold: LinkDnsHold = {
    backend: held instanceof ResolvedDns ? "resolved" : "resolv.conf",
    async change(settings) {
      if (!isHeld) throw new DeviceError("E_DEVICE_STATE", "dns: expected servers that are set, found them put back");
      await held.change(checkDns(settings));
    },
    async restore() {
      if (!isHeld) return false;
      isHeld = false;
      return held.restore();
    },
    async [Symbol.asyncDispose]() {
      await hold.restore();
    },
  };
  return hold;
}

async function recover({ stateFolder, bus }: DnsPlaces): Promise<string[]> {
  const lines: string[] = [];
  const names = statesIn(stateFolder);
  if (names.length === 0) return lines;
  // All that depends on the thread's namespace is asked before the first wait: later the thread may be elsewhere.
  const namespace = currentNamespace();
  using netlink = RouteNetlink.open();
  for (const name of names) {
    // Undefined: its owner lives.
    using state = LockedState.claim(join(stateFolder, name), DNS_FORM);
    const left = state?.read();
    if (!state || !left || (left.backend === "resolved" && left.namespace !== namespace)) continue;
    if (left.backend === "resolv.conf") {
      if (putBack(left)) lines.push(left.path);
    } else if (bus !== undefined && netlink.link(left.index)?.name === left.name) {
      if (await revertLeft(left.index, bus)) lines.push(`name servers of ${left.name}`);
    }
    state.clear();
  }
  return lines;
}

function statesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => STATE_FILE.test(name));
  } catch (error) {
    if (errnoOf(error) === ENOENT) return [];
    throw error;
  }
}

function leadsToResolved(path: string): boolean {
  return asksResolved(
    attempt(() => readFileSync(path, "utf8")) ?? "",
    attempt(() => readlinkSync(path)),
  );
}

function attempt(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
