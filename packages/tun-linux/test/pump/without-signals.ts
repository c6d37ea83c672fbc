// A process that uses every real-time signal itself: opens a pump that would sleep in read(2), and says how it sleeps.
import { addressOf, library, libcNames } from "@bunnel/ffi";
import { eventOf, openPump, portOf } from "../../src/pump/index.ts";
import { openLinuxTun } from "../../src/open.ts";
import { pumpMemory } from "./memory.ts";

const libc = library(libcNames("linux").paths, { sigaction: { args: ["i32", "ptr", "ptr"], returns: "i32" } });
const SIG_IGN = 1n;
/** struct sigaction, its handler first (bits/types/struct_sigaction.h). */
const ignored = new BigUint64Array(19);
ignored[0] = SIG_IGN;
const at = addressOf(ignored);
for (let signal = 34; signal <= 64; signal++) libc().sigaction(signal, at as never, null);

using device = openLinuxTun({ up: false });
const { memory } = pumpMemory(0);
using pump = openPump({ memory, ports: [portOf(device)], eventFd: eventOf(device), backend: "plain", sleep: "read" });
console.log(pump.sleep, ignored[0]);
