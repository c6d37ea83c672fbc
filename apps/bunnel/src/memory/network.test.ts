import { expect, test } from "bun:test";
import { networkOf, resolversIn, type NetworkFacts } from "./network.ts";

const GATEWAY = { link: "eth0", address: "192.0.2.1", mac: "02:00:00:00:00:01" };
const HOME: NetworkFacts = { gateways: [GATEWAY], resolvers: ["192.0.2.1", "203.0.113.53"] };
const fingerprint = (facts: NetworkFacts): string | undefined => networkOf(facts)?.fingerprint;

test("networkOf() knows a network again whatever the interface is called and in whichever order servers stand", () => {
  const again = { gateways: [{ ...GATEWAY, link: "wlan0" }], resolvers: HOME.resolvers.toReversed() };
  expect(fingerprint(again)).toBe(fingerprint(HOME));
  expect(networkOf(HOME)?.label).toBe("192.0.2.1 on eth0");
  expect(fingerprint(HOME)).toMatch(/^[0-9a-f]{16}$/u);
});

test("networkOf() tells networks apart by the gateway's hardware and by the name servers", () => {
  const others: NetworkFacts[] = [
    { ...HOME, gateways: [{ ...GATEWAY, mac: "02:00:00:00:00:02" }] },
    { ...HOME, gateways: [{ ...GATEWAY, address: "192.0.2.254" }] },
    { ...HOME, resolvers: ["192.0.2.1"] },
    { ...HOME, gateways: [GATEWAY, { link: "ppp0", address: undefined, mac: undefined }] },
  ];
  expect(new Set([HOME, ...others].map(fingerprint)).size).toBe(5);
});

test("networkOf() knows no network without a gateway", () => {
  expect(networkOf({ gateways: [], resolvers: ["192.0.2.1"] })).toBeUndefined();
});

test("resolversIn() reads the servers of a resolv.conf", () => {
  expect(
    resolversIn("# x\nsearch example.org\nnameserver 192.0.2.1\n  nameserver\t2001:db8::53 \nnameserver\n"),
  ).toEqual([...["192.0.2.1", "2001:db8::53"]]);
});
