// needs root, on a BSD. Not found by itself: `bun test ./packages/tun-bsd/test/bsd.real.ts`
import { describe } from "bun:test";
import { realSuite } from "@bunnel/bsd/proof";
import { openBsdCalls, openBsdTap, openBsdTun } from "../src/index.ts";

describe(`${process.platform} itself`, () => {
  realSuite(() => ({
    calls: openBsdCalls({}).calls,
    open: () => openBsdTun({ addresses: ["192.0.2.1/24", "2001:db8:77::1/64"] }),
    openTap: () => openBsdTap({ addresses: ["192.0.2.1/24"] }),
  }));
});
