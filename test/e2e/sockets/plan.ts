// The addresses of the network in which systems are tried that carry everything by sockets:
//
//   client ── 192.0.2.0/24, 2001:db8:1::/64 ── server, with addresses of its own behind that
//          ── 198.18.9.0/24, 2001:db8:9::/64 ──
import { serverAddress } from "@bunnel/lab/live";

export const CLIENT = { 4: "192.0.2.1", 6: "2001:db8:1::1" } as const;
/** The server's end of the link. */
export const GATEWAY = { 4: "192.0.2.2", 6: "2001:db8:1::2" } as const;
/** The other link, which the default route does not lead to in the beginning. */
export const OTHER_CLIENT = { 4: "198.18.9.1", 6: "2001:db8:9::1" } as const;
export const OTHER_GATEWAY = { 4: "198.18.9.2", 6: "2001:db8:9::2" } as const;

/** What clients ask for. */
export const SERVER = { 4: "203.0.113.9", 6: "2001:db8:2::9" } as const;

export const HOST = "video.example.org";
/** Speaks TLS. */
export const TLS_PORT = 443;

/** Where unbound answers over HTTPS: the addresses that `startUnbound` takes, and those of the blocked name. */
export const RESOLVER = { 4: serverAddress(4), 6: serverAddress(6) } as const;
/** What the injector says of every name: it stands on the way, and no question by plain DNS passes it. */
export const FORGED = { 4: "10.10.34.34", 6: "2001:db8:bad::1" } as const;
export const INJECTOR_PORT = 5300;

/** What the uplinks take, and what the first of them takes while it is narrow. */
export const MTU = 1500;
export const NARROW_MTU = 1400;
