// needs root, on macOS. Not found by itself: `bun test ./packages/tun-darwin/test/macos.real.ts`
import { describe } from "bun:test";
import { realSuite } from "@bunnel/bsd/proof";
import { openDarwinCalls, openDarwinTap, openDarwinTun } from "../src/index.ts";

describe("macOS itself", () => {
  realSuite(() => ({
    calls: openDarwinCalls({}),
    open: () => openDarwinTun({ addresses: ["192.0.2.1/24", "2001:db8:77::1/64"] }),
    openTap: () => openDarwinTap({ addresses: ["192.0.2.1/24"] }),
  }));
});
