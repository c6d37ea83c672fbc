// needs root: network namespaces
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failureOf, NetworkPair } from "../../test/network-pair.ts";
import { NetlinkMessage, NetlinkSocket } from "../netlink/index.ts";
import { ifinfo, RTM_NEWLINK } from "./link-attributes.ts";
import { routeNames } from "./names.ts";

/** The numbers that this system's own headers give to names; a name that they do not know is left out. */
function numbersOf(names: readonly string[]): Map<string, number> {
  const folder = mkdtempSync(join(tmpdir(), "bunnel-names-"));
  try {
    const compile = (all: readonly string[]) => {
      const lines = all.map((name) => `  printf("${name} %d\\n", (int)${name});`);
      const headers = [
        "stdio",
        "linux/if_link",
        "linux/rtnetlink",
        "linux/if_addr",
        "linux/neighbour",
        "linux/fib_rules",
      ];
      const source = [...headers.map((name) => `#include <${name}.h>`), "int main(void) {", ...lines, "}"].join("\n");
      writeFileSync(join(folder, "names.c"), source);
      const command = ["gcc", "-w", "-o", join(folder, "names"), join(folder, "names.c")];
      return Bun.spawnSync(command, { env: { ...process.env, LC_ALL: "C" } }).stderr.toString();
    };
    const unknown = new Set([...compile(names).matchAll(/'(\w+)' undeclared/g)].map((match) => match[1]));
    const known = names.filter((name) => !unknown.has(name));
    const errors = compile(known);
    if (errors !== "") throw new Error(errors);
    const text = Bun.spawnSync([join(folder, "names")]).stdout.toString();
    return new Map(
      text
        .trim()
        .split("\n")
        .map((line) => [line.split(" ")[0] ?? "", Number(line.split(" ")[1])]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("routeNames", () => {
  test.each([
    [16, [], 61],
    [16, [18], 5],
    [20, [], 11],
    [24, [], 30],
    [24, [8], 17],
    [28, [], 17],
    [32, [], 24],
  ] as const)("attributes of message type %d, inside %j, are those of the system's headers", (type, holders, count) => {
    const last = (path: readonly number[]) => routeNames.attribute(type, path).split(" > ").at(-1) ?? "";
    const names = Array.from({ length: count }, (_, i) => last([...holders, i + 1]));
    const numbers = numbersOf(names);
    expect(numbers.size).toBeGreaterThan(count * 0.8);
    expect([...numbers]).toEqual(
      names.flatMap((name, i) => (numbers.has(name) ? [[name, i + 1] as [string, number]] : [])),
    );
    expect(last([...holders, count + 1])).toBe(`attribute ${count + 1}`);
  });

  test("requests are called as in linux/rtnetlink.h", () => {
    const types = [16, 17, 18, 19, 20, 21, 22, 24, 25, 26, 28, 29, 30, 32, 33, 34];
    const names = types.map((type) => routeNames.request(type));
    expect([...numbersOf(names).values()]).toEqual(types);
    expect(routeNames.request(36)).toBe("netlink request 36");
  });
});

describe("NetlinkError", () => {
  test("names the attribute that the kernel refused, and the one that holds it", () => {
    using net = new NetworkPair();
    using socket = net.namespace.run(() => NetlinkSocket.open(0, { names: routeNames }));
    const long = new NetlinkMessage(RTM_NEWLINK, 0, ifinfo(net.a0)).u32(4, 1300).string(3, "x".repeat(40));
    expect(failureOf(() => socket.request(long))).toMatchObject({
      code: "E_DEVICE_SYSTEM",
      errno: 34,
      explanation: "Attribute failed policy validation",
      attribute: "IFLA_IFNAME",
      message: "RTM_NEWLINK failed with ERANGE (Attribute failed policy validation: IFLA_IFNAME)",
    });
    const nested = new NetlinkMessage(RTM_NEWLINK, 0x600, ifinfo(0)).string(3, "x0").nested(18, (info) => {
      info.string(1, "bridge").nested(2, (data) => void data.u8(1, 1));
    });
    expect(failureOf(() => socket.request(nested))).toMatchObject({
      attribute: "IFLA_LINKINFO > IFLA_INFO_DATA > attribute 1",
    });
  });
});
