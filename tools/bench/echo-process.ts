// Our UDP echo over a pump, a program of its own:  bun echo-process.ts plain|uring read|poll|busy NAME
// Says and answers what c/echo.c does. The second word: where it sleeps, which is PumpSleep, or how long it does not.
import { Engine } from "@bunnel/engine";
import { openLinuxTun } from "@bunnel/tun-linux";
import type { EchoStart } from "./echo-worker.ts";

/** Longer than those who ask wait between their questions. */
const BUSY_POLL_US = 500;

const [backend = "plain", place = "poll", name = ""] = Bun.argv.slice(2);
const engine = await Engine.create();
const device = openLinuxTun({ name, up: false, ipv6LinkLocal: "none" });
const worker = new Worker(new URL("./echo-worker.ts", import.meta.url));
const ready = Promise.withResolvers<void>();
worker.addEventListener("message", () => ready.resolve());
worker.addEventListener("error", ({ message }) => {
  console.error(message);
  process.exit(1);
});
worker.postMessage({
  engine: engine.transfer,
  device: device.handOver(),
  backend: backend === "uring" ? "uring" : "plain",
  sleep: place === "read" ? "read" : "poll",
  busyPollUs: place === "busy" ? BUSY_POLL_US : 0,
} satisfies EchoStart);
await ready.promise;
console.log("ready");
for await (const _ of console) {
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ cpuSeconds: (user + system) / 1e6 }));
}
process.exit(0);
