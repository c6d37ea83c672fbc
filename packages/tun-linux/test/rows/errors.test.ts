// needs root
// What goes wrong most often, and what is said about it: the code of the contract, the thing, what was expected and
// what was found. Nothing is left behind.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { DeviceOptions } from "@bunnel/device";
import { NetworkNamespace, openLinuxTun, RouteNetlink } from "../../src/index.ts";
import { failureOf } from "../network-pair.ts";
import { ip, runInside } from "../witness.ts";
import { asUser, quietDevice, runProgram } from "./witness.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

afterEach(() => expect(ip(namespace, "link").map(({ ifname }) => ifname)).toEqual(["lo"]));

/** "CODE message" of the error with which a device is not opened. */
function refusalOf(options: object): string {
  const { code, message } = failureOf(() => namespace.run(() => openLinuxTun(options as DeviceOptions)));
  return `${code} ${message}`;
}

describe("an option that cannot be", () => {
  const name = 'E_DEVICE_OPTION interface name: expected 1 to 15 octets without space, "/" and ":", found';
  test.each<[object, string]>([
    [{ name: "sixteen-octets-x" }, `${name} "sixteen-octets-x"`],
    [{ name: "a/b" }, `${name} "a/b"`],
    [{ name: "a b" }, `${name} "a b"`],
    [{ name: ".." }, `${name} ".."`],
    [{ mtuBytes: 67 }, "E_DEVICE_OPTION mtuBytes: expected 68 to 65535, found 67"],
    [{ mtuBytes: 65536 }, "E_DEVICE_OPTION mtuBytes: expected 68 to 65535, found 65536"],
    [{ addresses: ["example.org/24"] }, 'E_DEVICE_OPTION address: expected IPv4 or IPv6, found "example.org"'],
    [{ mac: "02:00:5e:00:53:01" }, "E_DEVICE_OPTION mac: expected an ethernet device, found one of IP packets"],
    [
      { mtu: 1400 },
      "E_UNSUPPORTED option mtu: expected a platform that has it, found linux; perhaps mtuBytes is meant",
    ],
    [{ attach: true, name: "none0" }, 'E_DEVICE_GONE attaching to "none0": expected an interface, found none'],
  ])("%j", (options, message) => {
    expect(refusalOf(options)).toBe(message);
  });
});

describe("a name that is taken", () => {
  const expected = "expected a free name or a device that nobody has open, found";

  test("by a device that somebody has open", () => {
    using _ = quietDevice(namespace, { name: "busy0" });
    expect(refusalOf({ name: "busy0" })).toBe(
      `E_DEVICE_BUSY TUN interface "busy0": ${expected} an interface that is in use`,
    );
  });

  test("by an interface of another kind", () => {
    const found = "one of another kind (physical)";
    expect(refusalOf({ name: "lo" })).toBe(`E_DEVICE_BUSY TUN interface "lo": ${expected} ${found}`);
  });

  test("by a device of the other layer", () => {
    runInside(namespace, "ip", "tuntap", "add", "dev", "tap9", "mode", "tap");
    expect(refusalOf({ name: "tap9" })).toBe(`E_DEVICE_BUSY TUN interface "tap9": ${expected} a TAP interface`);
    runInside(namespace, "ip", "link", "del", "tap9");
  });
});

describe("a change that cannot be", () => {
  test("of the MTU, while the device is open: the limits are named", () => {
    using device = quietDevice(namespace, { name: "change0", medium: "ethernet" });
    using netlink = namespace.run(() => RouteNetlink.open());
    const { code, message } = failureOf(() => netlink.setLink(device.index, { mtuBytes: 65522 }));
    expect(`${code} ${message}`).toBe(
      "E_DEVICE_OPTION mtuBytes of interface change0: expected 68 to 65521, found 65522",
    );
    expect(ip(namespace, "link", "show", "change0")).toMatchObject([{ mtu: 1500 }]);
  });

  test("of an address that is there already, or is not: it is named", () => {
    using device = quietDevice(namespace, { addresses: ["192.0.2.1/24"] });
    using netlink = namespace.run(() => RouteNetlink.open());
    const address = `address 192.0.2.1/24 of interface ${device.index}`;
    const again = failureOf(() => netlink.addAddress(device.index, "192.0.2.1/24"));
    expect(again.code).toBe("E_DEVICE_BUSY");
    expect(again.message).toStartWith(`${address}: RTM_NEWADDR failed with EEXIST`);
    netlink.removeAddress(device.index, "192.0.2.1/24");
    const gone = failureOf(() => netlink.removeAddress(device.index, "192.0.2.1/24"));
    expect(gone.code).toBe("E_DEVICE_MISSING");
    expect(gone.message).toStartWith(`${address}: RTM_DELADDR failed with EADDRNOTAVAIL`);
  });
});

describe("a machine", () => {
  const open = "try { driver.openLinuxTun(); } catch (error) { console.log(error.code, error.message); }";

  test("without the driver: what to do is said", () => {
    const hidden = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /dev/net && exec "$@"', "sh"];
    expect(runProgram(namespace, open, ...hidden).output).toBe(
      "E_DEVICE_MISSING /dev/net/tun: expected the kernel's tun driver, found none (ENOENT); " +
        'try "modprobe tun", in a container pass the device in (--device /dev/net/tun)',
    );
  });

  test("on which only root may open the driver: what to do is said", () => {
    const [first = "", ...user] = asUser(54321);
    const closed = user.map((word) => word.replace("mknod -m 666", "mknod -m 600"));
    expect(runProgram(namespace, open, first, ...closed).output).toBe(
      "E_DEVICE_DENIED /dev/net/tun: expected the right to open it, found none (EACCES); run as root, or make it " +
        "writable and have the interface prepared (option attach)",
    );
  });

  test("on which everybody may open it, and only CAP_NET_ADMIN make an interface", () => {
    expect(runProgram(namespace, open, ...asUser(54321)).output).toBe(
      "E_DEVICE_DENIED opening a TUN interface needs CAP_NET_ADMIN, or to be its owner",
    );
  });
});
