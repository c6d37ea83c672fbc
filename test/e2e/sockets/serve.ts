// What the services of both systems do around `bunnel up`: tell of the link, wait until its other end is up, tell what
// the network is before and behind it.
import { readSync } from "node:fs";
import { GATEWAY } from "./plan.ts";
import type { Driver } from "@bunnel/tun";
import { carryTraffic } from "bunnel/src/commands/up.ts";
import { joinSockets } from "bunnel/src/service/joined.ts";
import type { SocketsPlatform, SocketsPlatformOptions } from "bunnel/src/sockets/platform.ts";

/** The words of each service: its profile, its state directory, and the network of the server. */
export const [profile = "", stateDir = "", serverNamespace = ""] = process.argv.slice(2);

/** Gives the other end of the link to the server. */
export function moveToServer(interfaceName: string): void {
  const move = Bun.spawnSync(["ip", "link", "set", interfaceName, "name", "eth0", "netns", serverNamespace]);
  if (move.exitCode !== 0) throw new Error(move.stderr.toString());
}

/** Runs to the end of `bunnel up`. @param index of the uplink */
export async function serve(
  driver: Driver,
  index: number,
  open: (options: SocketsPlatformOptions) => SocketsPlatform,
): Promise<void> {
  {
    using network = driver.openNetwork();
    network.addRoute({ family: 4, gateway: GATEWAY[4], index });
    network.addRoute({ family: 6, gateway: GATEWAY[6], index });
  }
  console.log(JSON.stringify({ linked: true }));
  // The other end is up when somebody says a word.
  readSync(0, new Uint8Array(3));
  while (networkText().includes("linkdown")) await Bun.sleep(10);
  tellNetwork("uplink");
  try {
    await carryTraffic({ profile, stateDir, offload: true, json: true }, (options) =>
      Promise.resolve(joinSockets(options, open)),
    );
  } finally {
    tellNetwork("left");
  }
}

function tellNetwork(when: string): void {
  console.log(JSON.stringify({ [when]: networkText() }));
}

/** What the system has of routes and addresses. */
function networkText(): string {
  const words = [["route"], ["-6", "route"], ["-br", "addr"]];
  return words.map((each) => Bun.spawnSync(["ip", ...each]).stdout.toString()).join("");
}
