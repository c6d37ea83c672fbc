// Where everything stands in a live lab. All addresses are of the documentation prefixes (RFC 5737, RFC 3849), because
// private ones are what a bypass leaves alone by default.
//
//   client ── 192.0.2.0/24 ── censor ── 198.51.100.0/24 ── hop ── 203.0.113.0/24 ── server

export type Family = 4 | 6;

/** The four machines of a lab, in the order a packet of the client meets them. */
export type HostRole = "client" | "censor" | "hop" | "server";

/** One end of a link: where it stands and what it is called there. */
export interface LinkEnd {
  readonly host: HostRole;
  readonly interfaceName: string;
  /** With prefix length: "192.0.2.2/24". */
  readonly addresses: Readonly<Record<Family, string>>;
}

export interface LinkPlan {
  readonly near: LinkEnd;
  readonly far: LinkEnd;
}

/** A route that a host needs beside those of its links. */
export interface RoutePlan {
  readonly host: HostRole;
  readonly interfaceName: string;
  readonly family: Family;
  /** Undefined: the default route. */
  readonly destination?: string;
  readonly gateway: string;
}

/** Addresses of the server, so that as many censors can be judged side by side: each address is watched by its own. */
export const SERVER_ADDRESSES_MAX = 32;

export const CLIENT_ADDRESS: Readonly<Record<Family, string>> = { 4: "192.0.2.2", 6: "2001:db8:1::2" };

/** Address `index` of the server. */
export function serverAddress(family: Family, index = 0): string {
  if (index < 0 || index >= SERVER_ADDRESSES_MAX) {
    throw new RangeError(`server address ${index} does not exist: expected 0 to ${SERVER_ADDRESSES_MAX - 1}`);
  }
  return family === 4 ? `203.0.113.${10 + index}` : `2001:db8:3::${10 + index}`;
}

export const LINKS: readonly LinkPlan[] = [
  {
    near: end("client", "eth0", "192.0.2.2/24", "2001:db8:1::2/64"),
    far: end("censor", "client0", "192.0.2.1/24", "2001:db8:1::1/64"),
  },
  {
    near: end("censor", "hop0", "198.51.100.1/24", "2001:db8:2::1/64"),
    far: end("hop", "censor0", "198.51.100.2/24", "2001:db8:2::2/64"),
  },
  {
    near: end("hop", "server0", "203.0.113.1/24", "2001:db8:3::1/64"),
    far: end("server", "eth0", `${serverAddress(4)}/24`, `${serverAddress(6)}/64`),
  },
];

export const ROUTES: readonly RoutePlan[] = [
  { host: "client", interfaceName: "eth0", family: 4, gateway: "192.0.2.1" },
  { host: "client", interfaceName: "eth0", family: 6, gateway: "2001:db8:1::1" },
  { host: "censor", interfaceName: "hop0", family: 4, gateway: "198.51.100.2" },
  { host: "censor", interfaceName: "hop0", family: 6, gateway: "2001:db8:2::2" },
  { host: "hop", interfaceName: "censor0", family: 4, gateway: "198.51.100.1" },
  { host: "hop", interfaceName: "censor0", family: 6, gateway: "2001:db8:2::1" },
  { host: "server", interfaceName: "eth0", family: 4, gateway: "203.0.113.1" },
  { host: "server", interfaceName: "eth0", family: 6, gateway: "2001:db8:3::1" },
];

/** The interfaces of the censor on which the client's and the server's packets come in. */
export const CENSOR_CLIENT_SIDE = "client0";
export const CENSOR_SERVER_SIDE = "hop0";

/** The name that every censor of a lab asks for, and one that none does. */
export const BLOCKED_NAME = "blocked.example.org";
export const ALLOWED_NAME = "allowed.example.org";

function end(host: HostRole, interfaceName: string, v4: string, v6: string): LinkEnd {
  return { host, interfaceName, addresses: { 4: v4, 6: v6 } };
}
