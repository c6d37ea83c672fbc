// The contract of TunDevice as tests. Every driver and every wrapper runs them; what one cannot do it lists with the
// reason.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Bench, type ConformanceCase, type ConformanceCheck, type ConformanceSubject } from "./conformance/bench.ts";
import { readCases, writeCases } from "./conformance/bursts.ts";
import { handOverCases } from "./conformance/hand-over.ts";
import { piecesCases } from "./conformance/pieces.ts";
import { portCases } from "./conformance/ports.ts";
import { Thread } from "./conformance/thread.ts";
import { endCases, waitCases } from "./conformance/waits.ts";
import type { DeviceCapabilities, DeviceHandOver } from "./index.ts";

export { CONFORMANCE_MEMORY_BYTES, type ConformanceCheck, type ConformanceSubject } from "./conformance/bench.ts";
export { conformanceFrame, conformancePacket, packetOf } from "./conformance/packets.ts";

/** How the suite opens the device, and what it expects of it. */
export interface ConformanceOptions {
  /** A fresh device and its other side; called once for each test. */
  open(): ConformanceSubject;
  /** What the devices that `open` gives can do, as far as it decides which tests there are. */
  readonly capabilities: Pick<DeviceCapabilities, "medium" | "vnetHeader" | "vectored">;
  /** The module, by URL, and its function that opens a handed-over device in a Worker. */
  readonly transferred?: { readonly module: string; readonly opener: string };
  /** The tests that it cannot pass, each with the reason, which is printed. */
  readonly cannot?: Readonly<Partial<Record<ConformanceCheck, string>>>;
}

/** A port brings a memory of its own. */
const attachingCases = portCases.map((each): ConformanceCase => ({ ...each, check: "attach" }));
const CASES = [...readCases, ...writeCases, ...waitCases, ...endCases, ...piecesCases, ...attachingCases];

/** Registers the suite under `name`. */
export function conformance(name: string, options: ConformanceOptions): void {
  const open = () => options.open();
  const capabilities: DeviceCapabilities = {
    driver: "",
    burst: 0,
    events: false,
    transferable: false,
    ...options.capabilities,
  };
  let bench: Bench;
  for (const [check, reason] of Object.entries(options.cannot ?? {})) {
    console.log(`${name} is not asked for "${check}": ${reason}`);
  }

  describe(`${name} keeps the contract of TunDevice`, () => {
    beforeEach(() => {
      bench = new Bench(open(), open);
    });
    afterEach(() => bench.subject.close());

    test("what it says it can do is what the suite was told", () => {
      const { medium, vnetHeader, vectored = false } = bench.device.capabilities;
      expect({ medium, vnetHeader, vectored }).toEqual({ vectored: false, ...options.capabilities });
      expect(bench.device.capabilities.transferable).toBe(options.transferred !== undefined);
    });

    for (const each of CASES) {
      const isExcused = each.check !== undefined && options.cannot?.[each.check] !== undefined;
      if (isExcused || each.appliesTo?.(capabilities) === false) continue;
      test(each.name, () => each.run(bench));
    }
  });

  const { transferred } = options;
  if (!transferred || options.cannot?.handOver !== undefined) return;

  describe(`${name} can be handed to a Worker`, () => {
    let worker: Thread;
    beforeEach(async () => {
      bench = new Bench(open(), open);
      worker = new Thread();
      const handOver: DeviceHandOver = structuredClone(bench.device.handOver());
      expect(await worker.obey({ order: "open", ...transferred, handOver })).toEqual({ answer: "done" });
    });
    afterEach(() => {
      bench.subject.close();
      worker.end();
    });

    for (const each of handOverCases) test(each.name, () => each.run(bench, worker));
  });
}
