// needs root
// The interface's name and index. tun-rs: name, if_index, set_name. tappers: new_named, name, MAX_INTERFACE_NAME_LEN.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { NetworkNamespace, RouteNetlink } from "../../src/index.ts";
import { runInside } from "../witness.ts";
import { linkOf, quietDevice } from "./witness.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

describe("name", () => {
  test("is the caller's, up to the last octet that the system takes", () => {
    const name = "n".repeat(15);
    using device = quietDevice(namespace, { name });
    expect(device.name).toBe(name);
    expect(linkOf(namespace, name)).toMatchObject({ ifindex: device.index });
    expect(() => quietDevice(namespace, { name: `${name}n` })).toThrow("interface name");
  });

  test("with %d is counted up by the system, without a name it is the system's", () => {
    using first = quietDevice(namespace, { name: "row%d" });
    using second = quietDevice(namespace, { name: "row%d" });
    using third = quietDevice(namespace);
    using fourth = quietDevice(namespace, { medium: "ethernet" });
    const names = [first, second, third, fourth].map((device) => device.name);
    expect(names).toEqual(["row0", "row1", "tun0", "tap0"]);
    for (const name of names) expect(linkOf(namespace, name)).toBeDefined();
  });

  test("follows a renaming by somebody else, and by us, while the device is open", () => {
    using device = quietDevice(namespace, { name: "before0" });
    runInside(namespace, "ip", "link", "set", "before0", "down");
    runInside(namespace, "ip", "link", "set", "before0", "name", "after0");
    expect(device.name).toBe("after0");
    using netlink = namespace.run(() => RouteNetlink.open());
    netlink.setLink(device.index, { name: "again0" });
    expect(device.name).toBe("again0");
    expect(device.state().name).toBe("again0");
    expect(linkOf(namespace, "again0")).toMatchObject({ ifindex: device.index });
    device.close();
    expect(device.name).toBe("again0");
  });

  test("an interface is found by name and by index, any one of the system; what is not there is undefined", () => {
    using device = quietDevice(namespace, { name: "found0" });
    using netlink = namespace.run(() => RouteNetlink.open());
    expect(netlink.link("found0")?.index).toBe(device.index);
    expect(netlink.link(device.index)?.name).toBe("found0");
    expect(netlink.links().map(({ name }) => name)).toEqual(["lo", "found0"]);
    expect(netlink.link("none0")).toBeUndefined();
    expect(netlink.link(4711)).toBeUndefined();
  });

  test("the index is the system's, or the caller's", () => {
    using device = quietDevice(namespace, { index: 4242 });
    expect(device.index).toBe(4242);
    expect(linkOf(namespace, device.name)).toMatchObject({ ifindex: 4242 });
    using other = quietDevice(namespace);
    expect(linkOf(namespace, other.name)).toMatchObject({ ifindex: other.index });
    const again = (name?: string) => () => quietDevice(namespace, { index: 4242, ...(name && { name }) });
    expect(again()).toThrow("a TUN interface: expected the index 4242 free, found it taken");
    expect(again("free0")).toThrow('TUN interface "free0": expected the index 4242 free, found it taken');
    expect(again(device.name)).toThrow("found an interface that is in use");
  });
});
