// needs root: network namespaces
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { NetworkNamespace } from "@bunnel/tun-linux";
import type { Found } from "../test/answer-worker.ts";
import { createNamespace, openTransferred, openTun } from "./index.ts";

const PINGS = 5;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = createNamespace();
});
afterAll(() => namespace.close());

describe("openTransferred()", () => {
  test("gives a Worker the device and its interface, wherever the Worker itself is", async () => {
    const options = { name: "lent0", addresses: ["192.0.2.1/24"], ipv6LinkLocal: "none", mtuBytes: 1400 } as const;
    const tun = namespace.run(() => openTun(options));
    const worker = new Worker(new URL("../test/answer-worker.ts", import.meta.url));
    const found = Promise.withResolvers<Found>();
    worker.onmessage = ({ data }: MessageEvent<Found>) => found.resolve(data);
    worker.onerror = ({ message }) => found.reject(new Error(message));
    worker.postMessage(tun.handOver());
    expect(await found.promise).toEqual({ name: "lent0", index: tun.index, mtuBytes: 1400 });
    const ping = ["ping", "-n", "-c", String(PINGS), "-i", "0.01", "-w", "20", "192.0.2.77"];
    const { stdout } = namespace.run(() => Bun.spawnSync(ping));
    expect(stdout.toString()).toContain(`${PINGS} received`);
    worker.terminate();
    tun.close();
  });

  test("refuses what another driver handed over", () => {
    expect(() => openTransferred({ driver: "memory" })).toThrow('expected one of driver "linux", found "memory"');
  });
});
