// `bunnel up` as macOS has it, in front of the fake kernel, in a network namespace that is given: `darwin-service.ts
// PROFILE STATE_DIR SERVER_NAMESPACE`. Its uplink is one end of a feth pair whose other end is moved to the server.
import { mkdtempSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileKernel } from "@bunnel/bsd/proof";
import { BsdKernel } from "@bunnel/stream/proof";
import { darwinDriver } from "@bunnel/tun";
import { openDarwinTap } from "@bunnel/tun-darwin";
import { darwinKernelOptions } from "@bunnel/tun-darwin/proof";
import { carryTraffic } from "bunnel/src/commands/up.ts";
import { joinSockets } from "bunnel/src/service/joined.ts";
import { darwinPlatform } from "bunnel/src/service/platform.darwin.ts";
import { CLIENT, GATEWAY } from "./plan.ts";

const [profile = "", stateDir = "", serverNamespace = ""] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "bunnel-darwin-"));
const path = join(folder, "kernel.so");
writeFileSync(path, compileKernel(darwinKernelOptions()));
// Loaded into this process, it works in the namespace that this process is in.
const environment = { libraries: [path], arch: "x64" as const };
using sockets = new BsdKernel("darwin", "gcc");
const driver = darwinDriver(environment);

const addresses = [`${CLIENT[4]}/24`, `${CLIENT[6]}/64`];
using uplink = openDarwinTap({ addresses }, environment);
const move = Bun.spawnSync(["ip", "link", "set", uplink.peer ?? "", "name", "eth0", "netns", serverNamespace]);
if (move.exitCode !== 0) throw new Error(move.stderr.toString());
{
  using network = driver.openNetwork();
  network.addRoute({ family: 4, gateway: GATEWAY[4], index: uplink.index });
  network.addRoute({ family: 6, gateway: GATEWAY[6], index: uplink.index });
}
console.log(JSON.stringify({ linked: true }));
// The other end is up when somebody says a word.
readSync(0, new Uint8Array(3));
while (networkText().includes("linkdown")) await Bun.sleep(10);
tellNetwork("uplink");
try {
  await carryTraffic({ profile, stateDir, offload: true, json: true }, (options) =>
    Promise.resolve(joinSockets(options, (asked) => darwinPlatform(asked, { driver, sockets: sockets.system }))),
  );
} finally {
  tellNetwork("left");
  rmSync(folder, { recursive: true, force: true });
}

function tellNetwork(when: string): void {
  console.log(JSON.stringify({ [when]: networkText() }));
}

/** What the system has of routes and addresses. */
function networkText(): string {
  const words = [["route"], ["-6", "route"], ["-br", "addr"]];
  return words.map((each) => Bun.spawnSync(["ip", ...each]).stdout.toString()).join("");
}
