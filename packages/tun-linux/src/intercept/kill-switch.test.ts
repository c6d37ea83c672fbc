// needs root: network namespaces
// Fail closed: what is selected leaves by no other way when the process was killed, until a start or a sweep.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { RoutedLab, SERVER4, SERVER6 } from "../../test/intercept/routed-lab.ts";
import { OUR_MARK } from "./marks.ts";
import { interceptNft } from "./nft.ts";
import { interceptRules } from "./rules.ts";
import { sweepInterception } from "./sweep.ts";

const HELLO = Uint8Array.fromHex("1603010200010001fc0303");
const NOTHING = { rules: [], routes: [], tables: [] };
const METHODS = ["nft", "rules"] as const;

let lab: RoutedLab;
beforeEach(async () => {
  lab = await RoutedLab.open();
});
afterEach(() => lab[Symbol.dispose]());

/** An interception of another process, that was killed. */
async function killed(method: "nft" | "rules"): Promise<void> {
  const { process: holder } = await lab.hold(method, ["closed"]);
  holder.kill("SIGKILL");
  await holder.exited;
}

/** What happens to a ClientHello: the sender is told that there is no way, or the server hears it. */
function fate(to: string, payload: string | Uint8Array = HELLO): string {
  // What the end of an earlier connection sent up.
  lab.readDevice();
  try {
    const { answer, cameUp } = lab.say(payload, { to, port: 443, turns: 60, forwardMark: OUR_MARK });
    return cameUp.length > 0 ? "came up" : (answer ?? "nothing");
  } catch (error) {
    return error instanceof Error && /errno 113|errno 101|neither/u.test(error.message) ? "closed" : String(error);
  }
}

describe.each(METHODS)("after a kill with method %s", (method) => {
  test.each([SERVER4, SERVER6])("what is selected finds no way to %s, and a sweep opens it again", async (to) => {
    await killed(method);
    expect(fate(to)).toBe("closed");
    if (method === "nft") expect(fate(to, "something else")).toBe("heard 14");
    const { removed } = lab.client.run(() => sweepInterception({ statePath: lab.statePath }));
    expect(removed.filter((line) => line.includes("kill switch"))).toEqual([
      "unreachable default route of table 4000: the kill switch (IPv4)",
      "unreachable default route of table 4000: the kill switch (IPv6)",
      ...(method === "rules" ? ["unreachable default route of table 4002: the kill switch (IPv6)"] : []),
    ]);
    expect(lab.traces()).toEqual(NOTHING);
    expect(fate(to)).toBe(`heard ${HELLO.length}`);
  });

  test("the next start without a kill switch opens it, and leaves nothing", async () => {
    await killed(method);
    const intercept = method === "nft" ? interceptNft : interceptRules;
    const next = lab.client.run(() => intercept(lab.options({ tls: [] }), { statePath: lab.statePath }));
    expect(next.swept.removed.length).toBeGreaterThan(2);
    expect(fate(SERVER4)).toBe("came up");
    next.close();
    expect(lab.traces()).toEqual(NOTHING);
  });

  test("the next start with one takes over what is closed, and a clean end leaves nothing", async () => {
    await killed(method);
    const left = lab.traces();
    const intercept = method === "nft" ? interceptNft : interceptRules;
    const options = lab.options({ tls: [] }, { killSwitch: true });
    const next = lab.client.run(() => intercept(options, { statePath: lab.statePath }));
    expect(next.swept.removed).toEqual([]);
    expect(lab.traces().rules).toEqual(left.rules);
    expect(fate(SERVER4)).toBe("came up");
    next.close();
    expect(lab.traces()).toEqual(NOTHING);
    expect(fate(SERVER4)).toBe(`heard ${HELLO.length}`);
  });
});

test.each(METHODS)("a sweep that is told so leaves closed what method %s left", async (method) => {
  await killed(method);
  const left = lab.traces();
  const settings = { statePath: lab.statePath, keepClosed: true };
  expect(lab.client.run(() => sweepInterception(settings)).removed).toEqual([]);
  expect(lab.traces()).toEqual(left);
});

test("one method takes away what the other left closed", async () => {
  await killed("rules");
  const options = lab.options({ tls: [] }, { killSwitch: true });
  const next = lab.client.run(() => interceptNft(options, { statePath: lab.statePath }));
  expect(next.swept.removed.length).toBeGreaterThan(2);
  next.close();
  expect(lab.traces()).toEqual(NOTHING);
});

test("method rules takes over filters and exceptions, and puts back what was before the crash", () => {
  const filter = "/proc/sys/net/ipv4/conf/c0/rp_filter";
  lab.near("sh", "-c", `echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 1 > ${filter}`);
  const exclude = { users: [{ first: 5, last: 6 }] };
  const first = lab.options({}, { killSwitch: true, excludes: ["198.51.100.0/24"], exclude });
  lab.client.run(() => interceptRules(first, { statePath: lab.statePath })).release?.();
  expect(lab.near("cat", filter).trim()).toBe("2");
  expect(lab.traces().rules.join()).toContain("198.51.100.0/24");
  const second = lab.options({}, { killSwitch: true });
  const next = lab.client.run(() => interceptRules(second, { statePath: lab.statePath }));
  expect(lab.traces().rules.join()).not.toContain("198.51.100.0/24");
  expect(lab.traces().rules.join()).not.toContain("uidrange");
  next.close();
  expect(lab.traces()).toEqual(NOTHING);
  expect(lab.near("cat", filter).trim()).toBe("1");
});

test("release() leaves what is closed to the next interception", () => {
  const options = lab.options({ tls: [] }, { killSwitch: true });
  const first = lab.client.run(() => interceptNft(options, { statePath: lab.statePath }));
  const during = lab.traces();
  first.release?.();
  expect(lab.traces()).toEqual(during);
  const second = lab.client.run(() =>
    interceptNft({ ...options, select: { http: [80] } }, { statePath: lab.statePath }),
  );
  expect(fate(SERVER4)).toBe(`heard ${HELLO.length}`);
  second.close();
  expect(lab.traces()).toEqual(NOTHING);
});

test("without a kill switch release() is close()", () => {
  const only = lab.client.run(() => interceptNft(lab.options({ tls: [] }), { statePath: lab.statePath }));
  only.release?.();
  expect(lab.traces()).toEqual(NOTHING);
});
