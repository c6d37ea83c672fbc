// A device in two threads.
import { expect } from "bun:test";
import { Wake } from "../device.ts";
import { headerOf, type Bench } from "./bench.ts";
import type { Thread } from "./thread.ts";

/** One test with the device open in another thread, too. */
export interface HandOverCase {
  readonly name: string;
  run(bench: Bench, worker: Thread): Promise<void>;
}

export const handOverCases: readonly HandOverCase[] = [
  {
    name: "packets go both ways",
    async run(bench, worker) {
      const { subject, device } = bench;
      const waiting = worker.obey({ order: "wait", timeoutMs: -1 });
      await worker.nextWaiting();
      subject.send(bench.packet(60, 1));
      expect(await waiting).toEqual({ answer: "woke", wake: Wake.Readable });
      expect(await worker.obey({ order: "read" })).toEqual({ answer: "read", packets: [bench.packet(60, 1)] });
      const [header, packet] = [headerOf(device.capabilities), bench.packet(61, 2)];
      expect(await worker.obey({ order: "write", header, packet })).toEqual({ answer: "wrote", count: 1 });
      expect(subject.receive()).toEqual(packet);
    },
  },
  {
    name: "wake() of the first thread ends a wait of the other",
    async run({ device }, worker) {
      const waiting = worker.obey({ order: "wait", timeoutMs: -1 });
      await worker.nextWaiting();
      device.wake();
      expect(await waiting).toEqual({ answer: "woke", wake: Wake.Woken });
    },
  },
  {
    name: "close() of the first thread ends a wait of the other",
    async run({ device }, worker) {
      const waiting = worker.obey({ order: "wait", timeoutMs: -1 });
      await worker.nextWaiting();
      device.close();
      const { wake } = (await waiting) as { readonly wake: Wake };
      expect([Wake.Woken, Wake.Closed]).toContain(wake);
    },
  },
];
