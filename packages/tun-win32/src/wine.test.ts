// needs root: a network of its own with a Linux TUN device behind the double
// Proof level wine: the real Windows Bun, under Wine, runs the driver's own tests, each of which is a test here, and
// carries a ping flood through a DLL that stands in for Wintun's and iphlpapi's, decodes with mingw-w64's structs, and
// stands on a Linux TUN device.
import { describe, expect, test } from "bun:test";
import { echoed } from "../test/echoed.ts";
import { enterOwnNetwork, runMeanwhile } from "../test/own-network.ts";
import { mustHave } from "../test/tools.ts";
import { linesOf } from "../test/wine/lines.ts";
import { runTestFile } from "../test/wine/test-file.ts";
import { Wine } from "../test/wine/wine.ts";

const FILES = [
  "src/golden.test.ts",
  "src/tcp-merge.test.ts",
  "src/conformance.kernel.test.ts",
  "src/tap-conformance.kernel.test.ts",
  "src/windows-device.kernel.test.ts",
  "src/netcfg/network.kernel.test.ts",
  "test/windows.real.ts",
];
const PINGS = 10_000;
const TCP_BYTES = 1 << 20;
const PORT = 7100;

// The Windows Bun is an x64 program, and only there can Wine run it.
if (process.arch === "x64" && mustHave("wine64") && mustHave("x86_64-w64-mingw32-gcc-posix")) {
  // Before the own network is entered, which leads nowhere.
  Wine.fetch();
  enterOwnNetwork();
  const wine = Wine.prepare();
  for (const file of FILES) await passes(wine, file);
  carries(wine);
} else {
  test("Wine cannot be had on this machine, so nothing is shown here", () => {
    expect(process.arch === "x64" && mustHave("wine64") && mustHave("x86_64-w64-mingw32-gcc-posix")).toBe(false);
  });
}

async function passes(wine: Wine, file: string): Promise<void> {
  const { cases, exitCode, output } = await runTestFile(wine, file);
  if (exitCode !== 0) console.log(output);
  console.log(`proof: wine, ${cases.filter(({ passed }) => passed).length} of ${cases.length} tests of ${file}`);

  describe(`the Windows Bun passes ${file}:`, () => {
    test("all of it", () => {
      expect(exitCode).toBe(0);
      expect(cases.length).toBeGreaterThan(0);
    });
    for (const { name, passed } of cases) test(name, () => expect(passed).toBe(true));
  });
}

function carries(wine: Wine): void {
  test("the Windows Bun carries a ping flood of both families, and TCP", async () => {
    const child = wine.start("packages/tun-win32/test/wine/reflect.ts");
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
}
