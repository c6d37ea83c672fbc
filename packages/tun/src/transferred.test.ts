// needs root: network namespaces
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { NetworkNamespace } from "@bunnel/tun-linux";
import type { Found } from "../test/answer-worker.ts";
import { createNamespace, openTransferred, openTun } from "./index.ts";

const PINGS = 5;
/** A program that has not ended by then never does. */
const END_LIMIT_MS = 30_000;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = createNamespace();
});
afterAll(() => namespace.close());

describe("openTransferred()", () => {
  test("gives a Worker the device and its interface, until it is closed where it was opened", async () => {
    const options = { name: "lent0", addresses: ["192.0.2.1/24"], ipv6LinkLocal: "none", mtuBytes: 1400 } as const;
    const tun = namespace.run(() => openTun(options));
    const worker = new Worker(new URL("../test/answer-worker.ts", import.meta.url));
    const found = Promise.withResolvers<Found>();
    const ended = Promise.withResolvers<void>();
    worker.onmessage = ({ data }: MessageEvent<Found | "ended">) => {
      if (data === "ended") ended.resolve();
      else found.resolve(data);
    };
    worker.onerror = ({ message }) => found.reject(new Error(message));
    worker.postMessage(tun.handOver());
    expect(await found.promise).toEqual({ name: "lent0", index: tun.index, mtuBytes: 1400 });
    const ping = ["ping", "-n", "-c", String(PINGS), "-i", "0.01", "-w", "20", "192.0.2.77"];
    const { stdout } = namespace.run(() => Bun.spawnSync(ping));
    expect(stdout.toString()).toContain(`${PINGS} received`);
    tun.close();
    await ended.promise;
    const links = () => namespace.run(() => Bun.spawnSync(["ip", "-br", "link", "show"])).stdout.toString();
    // The kernel does away with an interface at a time of its own choice.
    while (links().includes("lent0")) await Bun.sleep(5);
    worker.terminate();
  });

  test("keeps no process alive that waits for nothing any more", () => {
    const module = new URL("./index.ts", import.meta.url).pathname;
    const program = `
      import { openTransferred, openTun } from "${module}";
      const tun = openTun({ ipv6LinkLocal: "none" });
      const lent = openTransferred(tun.handOver());
      console.log(await lent.read({ signal: AbortSignal.timeout(5) }).catch(({ name }) => name));`;
    const { exitCode, stdout } = namespace.run(() =>
      Bun.spawnSync([process.execPath, "-e", program], { timeout: END_LIMIT_MS, stderr: "inherit" }),
    );
    expect([exitCode, stdout.toString()]).toEqual([0, "TimeoutError\n"]);
  });

  test("refuses what another driver handed over", () => {
    expect(() => openTransferred({ driver: "memory" })).toThrow('expected one of driver "linux", found "memory"');
  });
});
