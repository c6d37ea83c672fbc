// needs root: network namespaces
// Another selection in the place of one that is in force, without a moment between them.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { InterceptionOptions, Selection } from "@bunnel/device";
import { RoutedLab, SERVER4, SERVER6 } from "../../test/intercept/routed-lab.ts";
import { interceptNft } from "./nft.ts";
import { interceptRules } from "./rules.ts";

const HELLO = Uint8Array.fromHex("1603010200010001fc0303");
const NOTHING = { rules: [], routes: [], tables: [] };

let lab: RoutedLab;
beforeEach(async () => {
  lab = await RoutedLab.open();
});
afterEach(() => lab[Symbol.dispose]());

function options(select: Selection, more: Partial<InterceptionOptions> = {}): InterceptionOptions {
  return { ...lab.options(select), ...more };
}

/** How many packets of a ClientHello to this port came up. */
function cameUp(to: string, port: number): number {
  return lab.say(HELLO, { to, port }).cameUp.length;
}

describe("reselect() of interceptNft()", () => {
  test("selects other packets from then on, with sets of their own", () => {
    using interception = lab.client.run(() => interceptNft(options({ tls: [443] }), { statePath: lab.statePath }));
    const addresses = { tls: ["203.0.113.0-203.0.113.255"] };
    expect(interception.reselect?.(options({ tls: [8080], addresses }))).toBe(true);
    expect([cameUp(SERVER4, 443), cameUp(SERVER4, 8080), cameUp(SERVER6, 8080)]).toEqual([0, 1, 0]);
    expect(interception.reselect?.(options({ tls: [9999] }))).toBe(true);
    expect([cameUp(SERVER4, 9999), cameUp(SERVER6, 9999), cameUp(SERVER4, 8080)]).toEqual([1, 1, 0]);
    // What follows the network goes by the new options, and the table still goes with the process.
    expect(interception.refresh()).toBe(false);
    expect(interception.ownerFlag).toBe(true);
    expect(lab.near("nft", "list", "table", "inet", "bunnel")).toContain("flags owner");
    interception.close();
    expect(lab.traces()).toEqual(NOTHING);
  });

  test("that is refused leaves what was in force", () => {
    using interception = lab.client.run(() => interceptNft(options({ tls: [443] }), { statePath: lab.statePath }));
    expect(() => interception.reselect?.(options({ tls: [8080] }, { uplinks: ["gone0"] }))).toThrow("gone0");
    expect([cameUp(SERVER4, 443), cameUp(SERVER4, 8080)]).toEqual([1, 0]);
    interception.close();
    const again = (): unknown => interception.reselect?.(options({}));
    expect(again).toThrow(expect.objectContaining({ code: "E_DEVICE_STATE" }));
  });
});

describe("reselect() of interceptRules()", () => {
  test("has nothing to do for another selection, and leaves other exceptions to another interception", () => {
    using interception = lab.client.run(() => interceptRules(options({}), { statePath: lab.statePath }));
    expect(interception.reselect?.(options({ stream: [443] }))).toBe(true);
    expect(interception.reselect?.(options({}, { excludes: ["203.0.113.0/24"] }))).toBe(false);
    expect(interception.reselect?.(options({}, { exclude: { users: [{ first: 70, last: 79 }] } }))).toBe(false);
  });
});
