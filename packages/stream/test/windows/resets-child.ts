// Relays in the Windows Bun, each of which ends its connections by RST for another reason: `resets-child.ts PORT
// CLOSED_PORT`, the first of a server that accepts and is silent, the second of nobody. Their ports come as one line of
// JSON, and what became of connections when it is known. Whoever looks at the ends is not here: under Wine Bun's own
// sockets are told of an RST as of an end.
import { defaultProfile } from "@bunnel/profile";
import { StreamRelay, type RelayOptions, type RelayStats } from "../../src/index.ts";
import { portableSockets } from "../../src/sockets/of-form.ts";
import { readSockaddr, SOCKADDR_MAX_BYTES, sockaddrOf } from "../../src/socket-address.ts";
import { AF_INET } from "../../src/sys.ts";

const LOOPBACK = "127.0.0.1";
const [port = 0, closedPort = 0] = process.argv.slice(2).map(Number);
const silent = { address: LOOPBACK, port };

function relayTo(destination: typeof silent | undefined, more: Partial<RelayOptions> = {}): StreamRelay {
  const listen = { address: LOOPBACK, port: 0 };
  const [accept, profile] = ["translated" as const, defaultProfile()];
  return StreamRelay.open({ listen, accept, profile, originalDestination: () => destination, ...more });
}

/** A listener whose queue of accepted connections is full answers nobody else. */
function fullListener(): typeof silent {
  const sockets = portableSockets({ platform: process.platform });
  const listener = sockets.streamSocket(AF_INET);
  sockets.bindTo(listener, sockaddrOf({ address: LOOPBACK, port: 0 }));
  sockets.listenOn(listener, 0);
  const bound = new Uint8Array(SOCKADDR_MAX_BYTES);
  sockets.localAddress(listener, bound);
  return readSockaddr(bound);
}

const full = fullListener();
const relays = {
  plain: relayTo(silent),
  closing: relayTo(silent),
  idle: relayTo(silent, { idleTimeoutMs: 10 }),
  overLimit: relayTo(silent, { maxFlows: 1 }),
  refused: relayTo({ address: LOOPBACK, port: closedPort }),
  unknown: relayTo(undefined),
  silent: relayTo(full, { connectTimeoutMs: 300 }),
};
const ports = Object.entries(relays).map(([name, { address }]) => [name, address.port]);
console.log(JSON.stringify({ full: full.port, ports: Object.fromEntries(ports) as unknown }));

const expected: readonly (readonly [keyof typeof relays, keyof RelayStats, number])[] = [
  ["plain", "reset", 2],
  ["idle", "idled", 1],
  ["overLimit", "overLimit", 1],
  ["refused", "refused", 1],
  ["unknown", "unknown", 1],
  ["silent", "refused", 1],
];
while (relays.closing.stats.open === 0) await Bun.sleep(5);
relays.closing.close();
while (expected.some(([name, count, least]) => relays[name].stats[count] < least)) await Bun.sleep(5);
console.log(JSON.stringify({ counted: expected.length }));
for (const relay of Object.values(relays)) relay.close();
