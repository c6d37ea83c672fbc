// Whoever stands on the way and forges DNS: all that is asked of port 53, of whatever server, by UDP or TCP, is turned
// round to a real name server that says the same of every name. Of TCP the first packets alone count: what a system
// says of connections that are over, it says as nobody, and the rules of a test may lead that another way.
import type { LabHost } from "@bunnel/lab/live";
import { succeed } from "../lab.ts";
import { FORGED, INJECTOR_PORT } from "./plan.ts";

const RULES = `
table inet injector {
  chain turn {
    type nat hook prerouting priority dstnat;
    udp dport 53 counter redirect to :${INJECTOR_PORT}
    tcp dport 53 tcp flags & (syn | ack | rst) == syn counter redirect to :${INJECTOR_PORT}
  }
}`;
const TRY_EVERY_MS = 25;

export class Injector {
  private constructor(private readonly host: LabHost) {}

  /** On a host that packets reach; it ends with the host. */
  static async start(host: LabHost): Promise<Injector> {
    await succeed(host, ["nft", "-f", "-"], new TextEncoder().encode(RULES));
    const words = ["-k", "-p", String(INJECTOR_PORT), "--no-resolv", "--no-hosts", "--conf-file=/dev/null"];
    const forged = Object.values(FORGED).map((address) => `--address=/#/${address}`);
    host.spawn(["dnsmasq", ...words, ...forged, "--user=root", "--pid-file="]);
    const ask = ["dig", "@127.0.0.1", "-p", String(INJECTOR_PORT), "+short", "+tries=1", "+time=1", "example.org"];
    while (!(await host.run(ask)).stdout.includes(FORGED[4])) await Bun.sleep(TRY_EVERY_MS);
    return new Injector(host);
  }

  /** How many questions and connections it has turned round. */
  async heard(): Promise<number> {
    const printed = await succeed(this.host, ["nft", "list", "table", "inet", "injector"]);
    return Array.from(printed.matchAll(/packets (\d+)/g), ([, packets]) => Number(packets)).reduce((a, b) => a + b, 0);
  }
}
