// needs root: network namespaces
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { RoutedLab, SERVER4, SERVER6 } from "../../test/intercept/routed-lab.ts";
import { interceptLocalPorts, PORTS_TABLE } from "./local-ports.ts";
import { OUR_MARK } from "./marks.ts";
import { interceptNft } from "./nft.ts";

const HELLO = Uint8Array.fromHex("1603010200010001fc0303");
/** Where the system takes the ports of sockets from that name none: net.ipv4.ip_local_port_range as it ships. */
const ANY = { first: 32_768, last: 60_999 };
const NONE = { first: 20_000, last: 20_009 };

let lab: RoutedLab;
beforeEach(async () => {
  lab = await RoutedLab.open();
});
afterEach(() => lab[Symbol.dispose]());

function ports(taken = ANY, apart = NONE): Disposable {
  return lab.client.run(() => interceptLocalPorts({ deviceIndex: lab.tun.index, taken, apart }));
}

function cameUp(to: string, kind: "tcp" | "udp" = "tcp"): number {
  return lab.say(kind === "tcp" ? HELLO : "something", { to, kind, port: 443, forwardMark: OUR_MARK }).cameUp.length;
}

describe("interceptLocalPorts()", () => {
  test.each([SERVER4, SERVER6])("has everything of its ports to %s come up, and what is sent on is answered", (to) => {
    using _ = ports();
    const { answer, cameUp: seen } = lab.say(HELLO, { to, port: 443, forwardMark: OUR_MARK });
    expect(answer).toBe(`heard ${HELLO.length}`);
    // Opening, acknowledgement, the octets: a connection has more than one packet.
    expect(seen.length).toBeGreaterThan(2);
    // The end of that connection may come up with it.
    expect(cameUp(to, "udp")).toBeGreaterThan(0);
  });

  test("leaves other ports alone", () => {
    using _ = ports(NONE, { first: 20_010, last: 20_019 });
    expect(cameUp(SERVER4)).toBe(0);
    expect(cameUp(SERVER6, "udp")).toBe(0);
  });

  test("keeps a service from the ports that are apart, and leaves it all others", () => {
    using service = lab.client.run(() => interceptNft(lab.options({ tls: [] }), { statePath: lab.statePath }));
    expect(cameUp(SERVER4)).toBe(1);
    {
      using _ = ports(NONE, ANY);
      expect(cameUp(SERVER4)).toBe(0);
    }
    {
      using _ = ports(NONE, { first: 20_010, last: 20_019 });
      expect(cameUp(SERVER4)).toBe(1);
    }
    expect(service.refresh()).toBe(false);
  });

  test("leaves nothing behind, also when it ends outside of the namespace", () => {
    const nothing = lab.traces();
    const made = ports();
    expect(lab.traces()).not.toEqual(nothing);
    made[Symbol.dispose]();
    made[Symbol.dispose]();
    expect(lab.traces()).toEqual(nothing);
    expect(lab.near("ip", "rule")).not.toContain("4001");
    expect(lab.near("ip", "-6", "route", "show", "table", "all")).not.toContain("4001");
  });

  test("lives once", () => {
    using _ = ports();
    expect(() => ports()).toThrow(`nftables table inet ${PORTS_TABLE} has a living owner: another probe runs`);
    expect(cameUp(SERVER4)).toBeGreaterThan(0);
  });
});
