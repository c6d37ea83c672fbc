// Needs root (or a user namespace) and /dev/net/tun.
import { readFileSync } from "node:fs";
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import type { CensorName } from "../censors/gallery.ts";
import { ALLOWED_NAME, BLOCKED_NAME } from "./address-plan.ts";
import type { Scheme } from "./client-child.ts";
import { LiveLab } from "./live-lab.ts";

// A blocked client waits for its time to be over.
setDefaultTimeout(30_000);

const SCHEMES: readonly Scheme[] = ["https", "http"];
/** Boxes in the path that read both schemes and forget a client with its connection. */
const BOXES: readonly CensorName[] = [
  "packet",
  "first-packet",
  "inorder",
  "inorder-exact",
  "full-first",
  "full-cksum",
  "full-last",
  "full-valid",
  "strict",
];

const lab = await LiveLab.create();
afterAll(() => lab[Symbol.asyncDispose]());

test("LiveLab speaks both families", () => {
  expect(lab.families).toEqual([4, 6]);
});

test("LiveLab measures that the box takes two hops and the router one", () => {
  // The kernel of the censor routes a packet up to the box, and again when the box writes it back.
  expect(lab.hopLimits).toEqual({ censor: 2, server: 4, hopsToServer: 2 });
});

test("LiveLab serves both names over both families where no censor is set", async () => {
  await lab.setCensor(undefined);
  for (const scheme of SCHEMES) {
    for (const family of lab.families) {
      for (const host of [BLOCKED_NAME, ALLOWED_NAME]) {
        expect((await lab.fetch({ host, scheme, family })).outcome).toBe("served");
      }
    }
  }
  expect(await lab.censorCounts()).toEqual([]);
});

test.each(BOXES)("%s keeps the blocked name away and lets the allowed one pass", async (name) => {
  await lab.setCensor(name);
  const orders = SCHEMES.flatMap((scheme) => lab.families.map((family) => ({ scheme, family })));
  const blocked = await Promise.all(orders.map((order) => lab.fetch({ ...order, host: BLOCKED_NAME })));
  const allowed = await Promise.all(orders.map((order) => lab.fetch({ ...order, host: ALLOWED_NAME })));
  const expected = name === "first-packet" ? "reset" : "blocked";
  expect(blocked.map(({ outcome }) => outcome)).toEqual(orders.map(() => expected));
  expect(allowed.map(({ outcome }) => outcome)).toEqual(orders.map(() => "served"));
  const [counts] = await lab.censorCounts();
  expect(counts?.matched).toBeGreaterThanOrEqual(orders.length);
  expect(counts?.dropped).toBeGreaterThanOrEqual(orders.length);
});

test("setCensors() lets each address of the server have a box of its own", async () => {
  await lab.setCensors(["packet", undefined]);
  const order = { host: BLOCKED_NAME, scheme: "https", family: 4 } as const;
  const outcomes = await Promise.all([lab.fetch({ ...order, server: 0 }), lab.fetch({ ...order, server: 1 })]);
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(["blocked", "served"]);
  const counts = await lab.censorCounts();
  expect(counts.map((count) => count?.censor)).toEqual(["packet", undefined]);
});

test("the lab's own client sees what curl sees", async () => {
  await using other = await LiveLab.create({ curl: false });
  expect([lab.curl, other.curl]).toEqual([true, false]);
  await other.setCensors(["first-packet", "packet", undefined]);
  for (const scheme of SCHEMES) {
    const orders = [0, 1, 2].map((server) => ({ host: BLOCKED_NAME, scheme, family: 6, server }) as const);
    const outcomes = await Promise.all(orders.map((order) => other.fetch(order)));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(["reset", "blocked", "served"]);
  }
});

test("a lab without a web of its own leaves the ports free, and its certificate is there for others", async () => {
  await using other = await LiveLab.create({ web: false });
  expect((await other.fetch({ host: ALLOWED_NAME, scheme: "https", family: 4 })).outcome).toBe("reset");
  expect(other.certificate.certificate).toBe(other.authority);
  expect(other.certificate.key).toContain("PRIVATE KEY");
});

test("setTimestamps() says what the client offers", async () => {
  const offered = async () => (await lab.client.run(["cat", "/proc/sys/net/ipv4/tcp_timestamps"])).stdout.trim();
  lab.setTimestamps(false);
  expect(await offered()).toBe("0");
  lab.setTimestamps(true);
  expect(await offered()).toBe("1");
});

/** Processes that this one has started and that are still there (proc(5)). */
function ownChildren(): number {
  return readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean).length;
}

test("a lab leaves no process behind, not even one that would run on", async () => {
  const before = ownChildren();
  {
    await using other = await LiveLab.create();
    other.client.spawn(["sleep", "600"]);
    // Client, censor, server, and the sleeper.
    expect(ownChildren()).toBe(before + 4);
  }
  expect(ownChildren()).toBe(before);
});

test("a lab that is closed starts nothing more", async () => {
  const other = await LiveLab.create();
  await other[Symbol.asyncDispose]();
  expect(() => other.client.spawn(["sleep", "600"])).toThrow("client of the lab: expected open, found closed");
});

test("the box gets finished checksums and packets that fit the link", async () => {
  await lab.setCensor("full-cksum");
  // Only a box that finds the checksums right reads the name, and only whole packets fit its slots.
  expect((await lab.fetch({ host: BLOCKED_NAME, scheme: "https", family: 4 })).outcome).toBe("blocked");
  expect((await lab.fetch({ host: BLOCKED_NAME, scheme: "https", family: 6 })).outcome).toBe("blocked");
});
