// Relays in a process of their own: one for each `address:port` given, to which it carries everything. Prints the ports
// that they listen on; on SIGTERM how many messages they have treated.
import { parseProfile } from "@bunnel/profile";
import { StreamRelay } from "@bunnel/stream";
import { parseEndpoint } from "@bunnel/wire";

const profile = parseProfile(`[[rule]]
name = "bench"
hosts = ["example.org"]
strategy = "tls: split(1, midsld)"`);

const relays = process.argv.slice(2).map((end) =>
  StreamRelay.open({
    listen: { address: "127.0.0.1", port: 0 },
    accept: "translated",
    originalDestination: () => parseEndpoint(end),
    profile,
  }),
);
process.once("SIGTERM", () => {
  console.log(relays.reduce((sum, { stats }) => sum + stats.treated, 0));
  for (const relay of relays) relay.close();
});
console.log(relays.map(({ address }) => address.port).join(" "));
