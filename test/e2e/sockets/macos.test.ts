// needs root: network namespaces, and a Linux TUN device behind a fake utun
// Proof level fake kernel: `bunnel up` as macOS has it runs here, in front of C libraries with macOS's numbers, structs
// and refusals. Behind them stand a real TUN device, real routes and real sockets. It has not run on a Mac.
import { afterAll } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileKernel } from "@bunnel/bsd/proof";
import { BsdKernel } from "@bunnel/stream/proof";
import { darwinKernelOptions } from "@bunnel/tun-darwin/proof";
import { answersByHttps } from "./dns-suite.ts";
import { carriesBySockets, type PlayedSystem } from "./suite.ts";

let sockets: BsdKernel | undefined;
afterAll(() => sockets?.[Symbol.dispose]());

const SYSTEM: PlayedSystem = {
  ...{ name: "macOS's kernel", service: "darwin-service.ts" },
  ...{ device: "utun0", ownDevice: "utun0", uplink: "feth0", otherUplink: "feth2" },
  givenUp: { user: { uid: 0x7fffffff }, kept: ["routes", "device"] },
  words(folder) {
    const kernel = join(folder, "kernel.so");
    writeFileSync(kernel, compileKernel(darwinKernelOptions()));
    sockets = new BsdKernel("darwin", "gcc");
    return [kernel, ...(sockets.system.libraries ?? [])];
  },
};

carriesBySockets(SYSTEM);
answersByHttps(SYSTEM);
