// needs root
// Addresses. tun-rs: ipv4, ipv6, addresses, add_address_v4/v6, remove_address, remove_address_v6, set_network_address,
// broadcast, set_broadcast, associate_route. tappers: addrs, add_addr, remove_addr, AddAddress, AddressInfo.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { DeviceAddress } from "@bunnel/device";
import { NetworkNamespace, RouteNetlink } from "../../src/index.ts";
import { ip } from "../witness.ts";
import { addressesOf, quietDevice } from "./witness.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

describe("addresses", () => {
  test("any number of both families, each with its prefix length", () => {
    const addresses = ["192.0.2.1/24", "203.0.113.1/30", "2001:db8::1/64", "2001:db8:1::1/128"];
    using device = quietDevice(namespace, { addresses });
    const seen = addressesOf(namespace, device.name);
    expect(seen.map(({ local, prefixlen }) => `${String(local)}/${String(prefixlen)}`).toSorted()).toEqual(
      addresses.toSorted(),
    );
  });

  test.each<[string, DeviceAddress, Record<string, unknown>]>([
    [
      "a peer",
      { address: "192.0.2.1", peer: "192.0.2.2" },
      { local: "192.0.2.1", address: "192.0.2.2", prefixlen: 32 },
    ],
    [
      "a peer's network",
      { address: "192.0.2.1", peer: "203.0.113.1/24" },
      { local: "192.0.2.1", address: "203.0.113.1", prefixlen: 24 },
    ],
    [
      "a peer of IPv6",
      { address: "2001:db8::1", peer: "2001:db8::2/128" },
      { local: "2001:db8::1", address: "2001:db8::2", prefixlen: 128 },
    ],
    ["a broadcast address", { address: "192.0.2.1/24", broadcast: "192.0.2.77" }, { broadcast: "192.0.2.77" }],
    ["the usual broadcast address", { address: "192.0.2.1/24", broadcast: "auto" }, { broadcast: "192.0.2.255" }],
  ])("with %s", (_, address, expected) => {
    using device = quietDevice(namespace, { addresses: [address], medium: "ethernet" });
    expect(addressesOf(namespace, device.name)).toMatchObject([expected]);
  });

  test("connectedRoute: the route to the network comes with the address, or not", () => {
    const routes = (name: string, family: string) => ip(namespace, family, "route", "show", "dev", name);
    const addresses = ["192.0.2.1/24", "2001:db8::1/64"];
    {
      using device = quietDevice(namespace, { addresses });
      expect(routes(device.name, "-4")).toMatchObject([{ dst: "192.0.2.0/24" }]);
      expect(routes(device.name, "-6")).toMatchObject([{ dst: "2001:db8::/64" }]);
    }
    using device = quietDevice(namespace, {
      addresses: addresses.map((address) => ({ address, connectedRoute: false })),
    });
    expect(addressesOf(namespace, device.name)).toHaveLength(2);
    expect(routes(device.name, "-4")).toEqual([]);
    expect(routes(device.name, "-6")).toEqual([]);
  });

  test("are added, listed and removed while the device is open, whatever their prefix length", () => {
    using device = quietDevice(namespace);
    using netlink = namespace.run(() => RouteNetlink.open());
    const addresses = ["192.0.2.1/24", "192.0.2.9/31", "2001:db8::1/64", "2001:db8:2::1/56"];
    for (const address of addresses) netlink.addAddress(device.index, address, { noDad: true });
    expect(
      netlink
        .addresses(device.index)
        .map(({ address }) => address)
        .toSorted(),
    ).toEqual(addresses.toSorted());
    expect(addressesOf(namespace, device.name)).toHaveLength(4);
    for (const address of addresses) netlink.removeAddress(device.index, address);
    expect(addressesOf(namespace, device.name)).toEqual([]);
  });
});
