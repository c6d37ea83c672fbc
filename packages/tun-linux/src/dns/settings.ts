// Which name servers are asked for a link, and for which names.
import { domainToASCII } from "node:url";
import { DeviceError } from "@bunnel/device";
import { formatAddress, parseAddress, type IpAddress } from "../netcfg/address-text.ts";

const NAME_MAX_BYTES = 253;
/** A name of letters, digits, hyphens and underscores (RFC 1123 section 2.1, RFC 8552 for the underscore). */
const NAME = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
/** What the conversion of other letters would take for the end of the name. */
const NO_NAME = /[\s/\\?#@:%[\]]/;

/** Servers of a link, and the names that are asked at them. */
export interface LinkDns {
  /** Addresses of name servers, best first. */
  readonly servers: readonly string[];
  /**
   * "example.org": names below it are asked here, and single words are looked for in it. "~example.org": only the
   * former. "~.": all names are asked here. Default: none.
   */
  readonly domains?: readonly string[];
  /** Names that no link claims by a domain are asked here, too. Default: the system's choice. */
  readonly defaultRoute?: boolean;
}

export interface Domain {
  /** In ASCII, without a dot at the end; "." is the root. */
  readonly name: string;
  /** Names below it are asked here, but single words are not looked for in it. */
  readonly routeOnly: boolean;
}

/** The same, checked. */
export interface CheckedDns {
  readonly servers: readonly IpAddress[];
  readonly domains: readonly Domain[];
  readonly defaultRoute?: boolean;
}

/** @throws DeviceError E_DEVICE_OPTION when there is no server, or texts cannot be read */
export function checkDns({ servers, domains = [], defaultRoute }: LinkDns): CheckedDns {
  if (servers.length === 0) throw new DeviceError("E_DEVICE_OPTION", "dns: expected at least one server, found none");
  return {
    servers: servers.map((text) => parseAddress(text)),
    domains: domains.map((text) => parseDomain(text)),
    ...(defaultRoute === undefined ? {} : { defaultRoute }),
  };
}

/** Whether these servers are meant for some names only, and the rest for others. */
export function isSplit({ domains, defaultRoute }: CheckedDns): boolean {
  if (defaultRoute !== undefined) return !defaultRoute;
  return domains.length > 0 && domains.every(({ name, routeOnly }) => routeOnly && name !== ".");
}

export function serverTexts({ servers }: CheckedDns): string[] {
  return servers.map(({ octets }) => formatAddress(octets));
}

function parseDomain(text: string): Domain {
  const routeOnly = text.startsWith("~");
  const given = routeOnly ? text.slice(1) : text;
  if (routeOnly && given === ".") return { name: ".", routeOnly };
  const name = domainToASCII(given).replace(/\.$/, "");
  if (NO_NAME.test(given) || name.length > NAME_MAX_BYTES || !NAME.test(name)) {
    throw new DeviceError("E_DEVICE_OPTION", `dns domain: expected a name, "~" and a name, or "~.", found "${text}"`);
  }
  return { name, routeOnly };
}
