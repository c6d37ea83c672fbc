// needs root: a network of its own with a Linux TUN device behind the double
// Proof level wine: the real Windows Bun, under Wine, runs the driver's own tests and carries a ping flood through a
// DLL that stands in for Wintun's and iphlpapi's, decodes with mingw-w64's structs, and stands on a Linux TUN device.
import { beforeAll, describe, expect, test } from "bun:test";
import { enterOwnNetwork, runMeanwhile } from "../test/own-network.ts";
import { echoed } from "../test/echoed.ts";
import { mustHave } from "../test/tools.ts";
import { Wine } from "../test/wine/wine.ts";

/** Bun is fetched and Wine's folder is made at the first time. */
const PREPARE_LIMIT_MS = 150_000;
const FILES = [
  "golden.test.ts",
  "tcp-merge.test.ts",
  "conformance.test.ts",
  "tap-conformance.test.ts",
  "windows-device.test.ts",
  "netcfg/network.test.ts",
];
const PINGS = 10_000;
const TCP_BYTES = 1 << 20;
const PORT = 7100;
const PACKAGE = "./packages/tun-win32";

// The Windows Bun is an x64 program, and only there can Wine run it.
const canRun = process.arch === "x64" && mustHave("wine64") && mustHave("x86_64-w64-mingw32-gcc-posix");

if (canRun) {
  describe("the Windows Bun under Wine", () => {
    let wine: Wine;
    beforeAll(() => {
      enterOwnNetwork();
      wine = Wine.prepare();
    }, PREPARE_LIMIT_MS);

    test.each(FILES)("passes %s", async (file) => {
      const { exitCode, output } = await wine.run("test", `${PACKAGE}/src/${file}`);
      const counts = /(\d+) pass\s+(\d+) fail/.exec(output);
      if (exitCode !== 0) console.log(output);
      expect([exitCode, counts?.[2]]).toEqual([0, "0"]);
      expect(Number(counts?.[1])).toBeGreaterThan(0);
      console.log(`proof: wine, ${counts?.[1]} tests of ${file}`);
    });

    test("carries a ping flood of both families, and TCP", async () => {
      const child = wine.start(`${PACKAGE}/test/wine/reflect.ts`);
      const lines = linesOf(child.stdout);
      await lines.until("ready");
      for (const address of ["192.0.2.9", "2001:db8::9"]) {
        const words = await runMeanwhile(`ping -f -c ${PINGS} ${address}`);
        expect(words).toContain(`${PINGS} packets transmitted, ${PINGS} received, 0% packet loss`);
      }
      const sent = new Uint8Array(TCP_BYTES).map((_, i) => (i * 2654435761) >>> 24);
      const answer = await echoed({ hostname: "192.0.2.1", other: "192.0.2.9", port: PORT, octets: sent });
      expect(Bun.hash(answer)).toBe(Bun.hash(sent));
      const socket = await Bun.udpSocket({});
      socket.send("stop", 9, "192.0.2.66");
      const told = JSON.parse(await lines.until("{")) as Record<string, unknown>;
      socket.close();
      expect(await child.exited).toBe(0);
      expect(told).toMatchObject({ platform: "win32", held: 0, violations: [] });
      expect(told["count"]).toBeGreaterThan(2 * PINGS);
      expect(told["written"]).toBeLessThan(Number(told["count"]));
      console.log(`proof: wine, ${2 * PINGS} pings and ${TCP_BYTES} octets by TCP`);
    });
  });
} else {
  test("Wine cannot be had on this machine, so nothing is shown here", () => {
    expect(process.arch === "x64" && mustHave("wine64")).toBe(false);
  });
}

/** The lines that a process prints. */
function linesOf(stream: ReadableStream<Uint8Array>) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  return {
    /** Resolves with the next line that begins so. */
    async until(start: string): Promise<string> {
      for (;;) {
        const line = rest.split("\n").find((each) => each.startsWith(start) && rest.includes(`${each}\n`));
        if (line !== undefined) return line;
        const { value, done } = await reader.read();
        if (done) throw new Error(`expected a line "${start}…", found: ${rest}`);
        rest += decoder.decode(value, { stream: true });
      }
    },
  };
}
