// The addresses that packets would leave from without us. A route into a device without an address does not tell, and
// the system then takes one of any interface.
import { readFileSync } from "node:fs";
import type { AddressInfo } from "../netcfg/addresses.ts";
import type { LinkInfo } from "../netcfg/links.ts";
import type { RouteNetlink } from "../netcfg/route-netlink.ts";
import type { RouteInfo } from "../netcfg/routes.ts";
import { hopIndices, type Family } from "./policy.ts";

/** Undefined: the system may choose. */
export type Sources = Readonly<Partial<Record<Family, string>>>;

const SCOPE_GLOBAL = 0;

// linux/if_addr.h
const IFA_F_TEMPORARY = 0x01;
const IFA_F_DADFAILED = 0x08;
const IFA_F_DEPRECATED = 0x20;
const IFA_F_TENTATIVE = 0x40;

/** ip-sysctl, use_tempaddr: temporary addresses are made, and preferred. */
const PREFER_TEMPORARY = "2";

/**
 * The sources of these default routes; the first route of a family counts.
 * @param deviceIndex the device that packets take instead: the system would choose an address of its own, if it has one
 */
export function sourcesOf(netlink: RouteNetlink, defaults: readonly RouteInfo[], deviceIndex: number): Sources {
  const source4 = sourceOf(defaults, 4, (index) => firstGlobal(netlink.addresses(index), 4));
  const source6 = sourceOf(defaults, 6, (index) => source6Of(netlink, index, deviceIndex));
  return { ...(source4 === undefined ? {} : { 4: source4 }), ...(source6 === undefined ? {} : { 6: source6 }) };
}

function sourceOf(
  defaults: readonly RouteInfo[],
  family: Family,
  choose: (index: number) => string | undefined,
): string | undefined {
  const route = defaults.find((candidate) => candidate.family === family);
  const index = route && hopIndices(route)[0];
  if (index === undefined) return undefined;
  return route?.source ?? choose(index);
}

function firstGlobal(addresses: readonly AddressInfo[], family: Family): string | undefined {
  const found = addresses.find((address) => address.family === family && address.scope === SCOPE_GLOBAL);
  return found?.address.split("/")[0];
}

/**
 * An interface has several IPv6 addresses that take turns, so the choice is left to the system wherever it cannot be
 * wrong: where no other interface has a global address.
 */
function source6Of(netlink: RouteNetlink, index: number, deviceIndex: number): string | undefined {
  const all = netlink.addresses().filter(isUsable6);
  const hasOwn = netlink.addresses(deviceIndex).some(({ family, scope }) => family === 6 && scope === SCOPE_GLOBAL);
  if (!hasOwn && all.every((address) => address.index === index)) return undefined;
  const candidates = all.filter((address) => address.index === index);
  const temporary = candidates.filter(({ flags }) => (flags & IFA_F_TEMPORARY) !== 0);
  const stable = candidates.filter(({ flags }) => (flags & IFA_F_TEMPORARY) === 0);
  const ordered = prefersTemporary(netlink.link(index)) ? [...temporary, ...stable] : [...stable, ...temporary];
  return firstGlobal(ordered, 6);
}

/** Unique local addresses are of global scope, but no router of the Internet answers to them (RFC 4193 section 4.3). */
function isUsable6({ family, scope, flags, address }: AddressInfo): boolean {
  if (family !== 6 || scope !== SCOPE_GLOBAL || /^f[cd]/.test(address)) return false;
  return (flags & (IFA_F_DADFAILED | IFA_F_DEPRECATED | IFA_F_TENTATIVE)) === 0;
}

function prefersTemporary(link: LinkInfo | undefined): boolean {
  try {
    return readFileSync(`/proc/sys/net/ipv6/conf/${link?.name}/use_tempaddr`, "utf8").trim() === PREFER_TEMPORARY;
  } catch {
    return false;
  }
}
