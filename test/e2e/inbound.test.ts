// What needs a look at the answers of servers, or an answer of our own: decoys that end before the server, and QUIC
// that is refused. Needs root, /dev/net/tun, nft, curl.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { BLOCKED_NAME, type LabHost, type LiveLab, serverAddress } from "@bunnel/lab/live";
import { quicInitial } from "@bunnel/wire";
import { createLab, expectServed, succeed } from "./lab.ts";

setDefaultTimeout(240_000);

const PORT = 443;

/** Counts the ClientHellos and Initials that pass a machine. `hook` and priority are those of nft. */
async function watchHellos(host: LabHost, hook: string): Promise<() => Promise<number[]>> {
  const table = `
    table inet watch {
      chain hellos {
        type filter hook ${hook} priority 0;
        meta oifname bunnel0 return
        meta l4proto tcp th dport ${PORT} @ih,0,16 0x1603 @ih,40,8 1 counter
        meta l4proto udp th dport ${PORT} counter
      }
    }`;
  await succeed(host, ["nft", "-f", "/dev/stdin"], new TextEncoder().encode(table));
  return async () => {
    const listed = await succeed(host, ["nft", "list", "table", "inet", "watch"]);
    return [...listed.matchAll(/counter packets (\d+)/gu)].map(([, packets]) => Number(packets));
  };
}

describe("a decoy with ttl=auto-1", () => {
  test.each([4, 6] as const)(
    "passes a box that takes the first copy, and ends before the server: IPv%i",
    async (family) => {
      await using lab = await createLab();
      await lab.setCensor("full-first");
      const order = { host: BLOCKED_NAME, scheme: "https", family } as const;
      const left = await watchHellos(lab.client, "postrouting");
      const passedRouter = await watchHellos(lab.hop, "forward");
      const arrived = await watchHellos(lab.server, "prerouting");
      const service = await lab.up({ strategy: "tls: fake(ttl=auto-1)", method: "nft" });
      const rounds = 5;
      for (let round = 0; round < rounds; round++) await expectServed(lab, order);
      const { report } = await service.stop();
      expect(report).toMatchObject({ fakes: rounds, replaced: rounds });
      // Decoy and hello leave; the way into the device is not counted.
      expect(await left()).toEqual([2 * rounds, 0]);
      expect(await passedRouter()).toEqual([rounds, 0]);
      expect(await arrived()).toEqual([rounds, 0]);
      expect(await lab.fetch(order)).toMatchObject({ outcome: "blocked" });
    },
  );
});

describe("QUIC that a rule drops", () => {
  /** Sends datagrams from one connected socket and waits for what comes back: the words of the system. */
  async function sendQuic(lab: LiveLab, family: 4 | 6, ...datagrams: readonly Uint8Array[]): Promise<string> {
    const script = `exec 3<>/dev/udp/${serverAddress(family)}/${PORT}
      ${datagrams.map(() => "head -c 1200 | dd bs=1200 iflag=fullblock status=none >&3").join("\n")}
      timeout 2 cat <&3 2>&1; true`;
    expect(datagrams.map(({ length }) => length)).toEqual(datagrams.map(() => 1200));
    return succeed(lab.client, ["bash", "-c", script], Buffer.concat(datagrams));
  }

  test.each([4, 6] as const)("vanishes, and its sender hears at once that nobody is there: IPv%i", async (family) => {
    await using lab = await createLab();
    const arrived = await watchHellos(lab.server, "prerouting");
    const initial = quicInitial({ serverName: BLOCKED_NAME });
    // Nobody listens there: the server itself says so.
    expect(await sendQuic(lab, family, initial)).toContain("Connection refused");
    expect(await arrived()).toEqual([0, 1]);
    await using service = await lab.up({ strategy: "quic: drop", method: "nft" });
    expect(await sendQuic(lab, family, initial)).toContain("Connection refused");
    expect(await arrived()).toEqual([0, 1]);
    expect((await service.stop()).report).toMatchObject({ dropped: 1, reasons: { DropRule: 1 }, egressSent: 1 });
  });
});
