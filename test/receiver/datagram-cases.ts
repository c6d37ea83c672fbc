// One rule or more for each technique of datagrams, and what a socket of the kernel gets of the message then.

/** Word of the technique's users, a rule with it, and the datagrams that arrive in place of one. */
export const DATAGRAM_CASES: readonly (readonly [technique: string, rule: string, arrives: Arrives])[] = [
  ["fake", "quic: fake(quic, ttl=3, x6)", alone],
  ["fake", "quic: fake(quic, sni=www.example.org, badsum)", alone],
  ["fake", "quic: fake(zeros, ttl=3) ipfrag(64)", alone],
  ["fake", "quic: fake(quic, x2)", behindDecoys(2)],
  ["fake", "quic: fake(random, after)", beforeDecoys(1)],
  ["fake", "dns: fake(zeros, badsum, x3)", alone],
  ["ipfrag", "quic: ipfrag(8)", alone],
  ["ipfrag", "quic: ipfrag(1000)", alone],
  ["ipfrag", "quic: ipfrag(hopbyhop)", alone],
  ["ipfrag", "dns: ipfrag(24)", alone],
  ["udplen", "quic: udplen(+16)", resized(16)],
  ["udplen", "quic: udplen(-100)", resized(-100)],
  ["udplen", "dns: udplen(+8, pattern=random)", resized(8)],
  ["udplen", "quic: udplen(+24) ipfrag(16)", resized(24)],
  ["drop", "quic: drop", () => []],
  ["drop", "dns: drop", () => []],
  ["doh", "dns: doh", () => []],
  ["redirect", "dns: redirect(192.0.2.53)", () => []],
  ["ipid", "quic: ipid(random)", alone],
  ["dup", "quic: dup(x2)", (payload) => [payload, payload, payload]],
  ["delay", "dns: delay(10)", alone],
  ["ttl", "quic: ttl(40)", alone],
  ["tos", "dns: tos(4)", alone],
];

/** A datagram as a socket gets it: these octets, or so many that begin as these do; "decoy": others. */
export type Arrival = Uint8Array | { readonly bytes: number; readonly like: Uint8Array } | "decoy";
type Arrives = (payload: Uint8Array) => readonly Arrival[];

function alone(payload: Uint8Array): readonly Arrival[] {
  return [payload];
}

/** Without damage decoys reach the socket; it is the application, QUIC itself, that discards them. */
function behindDecoys(count: number): Arrives {
  return (payload) => [...Array.from({ length: count }, () => "decoy" as const), payload];
}

function beforeDecoys(count: number): Arrives {
  return (payload) => [payload, ...Array.from({ length: count }, () => "decoy" as const)];
}

function resized(by: number): Arrives {
  return (payload) => [{ bytes: payload.length + by, like: payload }];
}
