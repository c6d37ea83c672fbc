// What the services of both systems do around `bunnel up`: tell of the links, wait until their other ends are up, tell
// what the network is before and behind it, and take the other link when SIGUSR2 comes. SIGWINCH takes the way out for
// IPv6 and gives it back; SIGURG does the same with 100 octets of the uplink's MTU.
import { readSync } from "node:fs";
import type { Driver } from "@bunnel/tun";
import { carryTraffic } from "bunnel/src/commands/up.ts";
import { joinSockets } from "bunnel/src/service/joined.ts";
import type { SocketsPlatform, SocketsPlatformOptions } from "bunnel/src/sockets/platform.ts";
import { GATEWAY, MTU, NARROW_MTU, OTHER_GATEWAY } from "./plan.ts";

/** The words of each service: its profile, its state directory, and the network of the server. */
export const [profile = "", stateDir = "", serverNamespace = "", ...others] = process.argv.slice(2);

/** Gives the other end of a link to the server. */
export function moveToServer(interfaceName: string, name: "eth0" | "eth1"): void {
  const move = Bun.spawnSync(["ip", "link", "set", interfaceName, "name", name, "netns", serverNamespace]);
  if (move.exitCode !== 0) throw new Error(move.stderr.toString());
}

/** Who changes the network is not the service, which may be nobody by then. */
export interface Administrator {
  /** From here on what root may do is done, or no longer. */
  act(isRoot: boolean): void;
}

/** Runs to the end of `bunnel up`. @param links the two uplinks by their indexes */
export async function serve(
  driver: Driver,
  links: readonly [number, number],
  open: (options: SocketsPlatformOptions) => SocketsPlatform,
  administrator?: Administrator,
): Promise<void> {
  const [first, other] = [routesBy(links[0], GATEWAY), routesBy(links[1], OTHER_GATEWAY)];
  change(driver, [], first);
  const meanwhile = (gone: Routes, made: Routes): void => {
    administrator?.act(true);
    change(driver, gone, made);
    administrator?.act(false);
  };
  process.on("SIGUSR2", () => meanwhile(first, other));
  let hasIpv6 = true;
  process.on("SIGWINCH", () => {
    const ipv6 = first.filter(({ family }) => family === 6);
    hasIpv6 = !hasIpv6;
    meanwhile(hasIpv6 ? [] : ipv6, hasIpv6 ? ipv6 : []);
  });
  let isNarrow = false;
  process.on("SIGURG", () => {
    isNarrow = !isNarrow;
    administrator?.act(true);
    using network = driver.openNetwork();
    network.setLink(links[0], { mtuBytes: isNarrow ? NARROW_MTU : MTU });
    administrator?.act(false);
  });
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
    administrator?.act(true);
    change(driver, other, first);
    tellNetwork("left");
  }
}

function routesBy(index: number, gateway: Readonly<Record<4 | 6, string>>) {
  return ([4, 6] as const).map((family) => ({ family, gateway: gateway[family], index }));
}

type Routes = ReturnType<typeof routesBy>;

/** Takes routes away that are there, and makes those that are not. */
function change(driver: Driver, gone: Routes, made: Routes): void {
  using network = driver.openNetwork();
  const has = ({ gateway }: Routes[number]): boolean => network.routes().some((each) => each.gateway === gateway);
  for (const route of gone) if (has(route)) network.removeRoute(route);
  for (const route of made) if (!has(route)) network.addRoute(route);
}

function tellNetwork(when: string): void {
  console.log(JSON.stringify({ [when]: networkText() }));
}

/** What the system has of routes and addresses. */
function networkText(): string {
  const words = [["route"], ["-6", "route"], ["-br", "addr"]];
  return words.map((each) => Bun.spawnSync(["ip", ...each]).stdout.toString()).join("");
}
