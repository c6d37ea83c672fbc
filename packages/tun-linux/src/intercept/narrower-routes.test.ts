// needs root: network namespaces
// Narrower routes of table main win, and nothing else does: not what the system has learnt of the path to one address.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { NARROW4, NARROW6, RoutedLab, SERVER4, SERVER6 } from "../../test/intercept/routed-lab.ts";
import type { RouteInfo } from "../netcfg/routes.ts";
import type { LinuxInterception } from "./interception.ts";
import { OUR_MARK } from "./marks.ts";
import { NARROWER_MAX, narrowerDestinations } from "./narrower-routes.ts";
import { interceptNft } from "./nft.ts";
import { interceptRules } from "./rules.ts";

const METHODS = ["nft", "rules"] as const;

/** A route as the system lists it, in words that matter here. */
function route(destination: string, more: Partial<RouteInfo> = {}): RouteInfo {
  const rest = { table: 254, metric: 1024, type: "unicast", protocol: 4, scope: 0, hops: [], flags: 0 } as const;
  return { family: 6, destination, ...rest, ...more };
}

describe("narrowerDestinations()", () => {
  test("are all but default routes and those that are thrown on", () => {
    const routes = [route("default"), route("2001:db8:1::/64"), route("2001:db8:2::/64", { type: "throw" })];
    const closed = route("2001:db8:3::9/128", { type: "unreachable" });
    expect(narrowerDestinations([...routes, closed])).toEqual([
      { destination: "2001:db8:1::/64" },
      { destination: "2001:db8:3::9/128" },
    ]);
  });

  test("leave out what lies within another one, and what is there twice", () => {
    const texts = ["2001:db8:1:8000::/65", "fe80::/64", "2001:db8:1::/64", "2001:db8:1::9/128", "fe80::/64"];
    const found = narrowerDestinations([...texts, "2001:db8:2::9/128"].map((text) => route(text)));
    const destinations = ["fe80::/64", "2001:db8:1::/64", "2001:db8:1:8000::/65", "2001:db8:2::9/128"];
    // The upper half of 2001:db8:1::/64 would be 2001:db8:1:0:8000::/65; this one lies beside it.
    expect(found.map(({ destination }) => destination)).toEqual(destinations);
  });

  test("keep apart what is for packets from one network only", () => {
    const from = "2001:db8:7::/64";
    const found = narrowerDestinations([route("2001:db8::/32", { from }), route("2001:db8:1::/64")]);
    expect(found).toEqual([{ destination: "2001:db8::/32", from }, { destination: "2001:db8:1::/64" }]);
  });

  test("are everything where there are too many", () => {
    const many = Array.from({ length: NARROWER_MAX + 1 }, (_, i) => route(`2001:db8:${i.toString(16)}::/48`));
    expect(narrowerDestinations(many.slice(1))).toHaveLength(NARROWER_MAX);
    expect(narrowerDestinations(many)).toEqual([{ destination: "::/1" }, { destination: "8000::/1" }]);
  });
});

describe("in a network", () => {
  let lab: RoutedLab;
  beforeEach(async () => {
    lab = await RoutedLab.open();
  });
  afterEach(() => lab[Symbol.dispose]());

  function intercept(method: (typeof METHODS)[number]): LinuxInterception {
    const start = method === "nft" ? interceptNft : interceptRules;
    return lab.client.run(() => start(lab.options({ dns: [53] }), { statePath: lab.statePath }));
  }

  /** A datagram to an address: whether it comes up, is answered, or there is no way. */
  function fate(to: string): string {
    try {
      return lab.say("hello", { kind: "udp", to, port: 53 }).answer ?? "came up";
    } catch (error) {
      return /errno (101|113)/u.test(String(error)) ? "closed" : String(error);
    }
  }

  /** How the system would send a packet. */
  function wayOf(to: string, ...more: readonly string[]): string {
    return lab.near("ip", "route", "get", to, ...more);
  }

  /** The router before the narrow link tells the system what passes, in answer to a packet that is not taken up. */
  function learn(to: string): void {
    lab.near("sh", "-c", `ping -m ${OUR_MARK} -M do -c 1 -W 1 -s 1400 ${to} || true`);
    expect(wayOf(to, "mark", String(OUR_MARK))).toMatch(/dev c0 .*mtu 1300/su);
  }

  describe.each(METHODS)("with method %s", (method) => {
    test.each([NARROW4, NARROW6])("a path's MTU is no narrower route, learnt before or meanwhile: %s", (to) => {
      lab.addNarrowLink();
      {
        using _ = intercept(method);
        expect(fate(to)).toBe("came up");
        learn(to);
        expect(fate(to)).toBe("came up");
      }
      using _ = intercept(method);
      learn(to);
      expect(fate(to)).toBe("came up");
    });
  });

  test.each([NARROW4, NARROW6])("nor does it open what a kill switch has closed: %s", async (to) => {
    lab.addNarrowLink();
    const { process: holder } = await lab.hold("rules", ["closed"]);
    holder.kill("SIGKILL");
    await holder.exited;
    expect(fate(to)).toBe("closed");
    learn(to);
    expect(fate(to)).toBe("closed");
  });

  test.each([
    ["203.0.113.0/28", "198.51.100.254", SERVER4],
    ["2001:db8:2::/64", "2001:db8:3::fe", SERVER6],
  ])("a route of somebody else wins from when it comes until it goes: %s", (destination, gateway, to) => {
    using interception = intercept("rules");
    expect(fate(to)).toBe("came up");
    lab.near("ip", "route", "add", destination, "via", gateway);
    interception.refresh();
    expect(fate(to)).toBe("heard 5");
    expect(interception.refresh()).toBe(false);
    lab.near("ip", "route", "del", destination);
    // Even before it was looked again.
    expect(fate(to)).toBe("came up");
    interception.refresh();
    expect(fate(to)).toBe("came up");
    expect(lab.traces().routes.join()).not.toContain(destination);
  });

  test("a route that throws packets on, within a narrower one, lets them come up", () => {
    lab.near("ip", "route", "add", "2001:db8:2::/48", "via", "2001:db8:3::fe");
    lab.near("ip", "route", "add", "throw", `${SERVER6}/128`);
    using _ = intercept("rules");
    expect(wayOf("2001:db8:2::8")).toContain("dev c1");
    expect(fate(SERVER6)).toBe("came up");
  });
});
