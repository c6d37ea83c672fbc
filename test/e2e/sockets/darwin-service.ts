// `bunnel up` as macOS has it, in front of the fake kernel, in a network namespace that is given: `darwin-service.ts
// PROFILE STATE_DIR SERVER_NAMESPACE`. Its uplinks are feth pairs whose other ends are moved to the server.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileKernel } from "@bunnel/bsd/proof";
import { BsdKernel } from "@bunnel/stream/proof";
import { darwinDriver } from "@bunnel/tun";
import { openDarwinTap } from "@bunnel/tun-darwin";
import { darwinKernelOptions } from "@bunnel/tun-darwin/proof";
import { darwinPlatform } from "bunnel/src/service/platform.darwin.ts";
import { CLIENT, OTHER_CLIENT } from "./plan.ts";
import { moveToServer, serve } from "./serve.ts";

const folder = mkdtempSync(join(tmpdir(), "bunnel-darwin-"));
const path = join(folder, "kernel.so");
writeFileSync(path, compileKernel(darwinKernelOptions()));
// Loaded into this process, it works in the namespace that this process is in.
const environment = { libraries: [path], arch: "x64" as const };
using sockets = new BsdKernel("darwin", "gcc");
const driver = darwinDriver(environment);

const open = (own: typeof CLIENT | typeof OTHER_CLIENT) =>
  openDarwinTap({ addresses: [`${own[4]}/24`, `${own[6]}/64`] }, environment);
using uplink = open(CLIENT);
using other = open(OTHER_CLIENT);
moveToServer(uplink.peer ?? "", "eth0");
moveToServer(other.peer ?? "", "eth1");
const links = [uplink.index, other.index] as const;
try {
  await serve(driver, links, (asked) => darwinPlatform(asked, { driver, sockets: sockets.system }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
