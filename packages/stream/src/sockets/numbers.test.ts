// Proof level golden: what the tables say equals what the systems' own headers say.
import { describe, expect, test } from "bun:test";
import { bsdNumbers, type BsdPlatform } from "../../test/kernel/bsd-kernel.ts";
import { DARWIN, FREEBSD } from "./numbers.bsd.ts";
import type { SocketNumbers } from "./numbers.ts";
import { WINDOWS } from "./numbers.win32.ts";
import { toSystemAddress } from "./system-address.ts";
import { readSockaddr, sockaddrOf } from "../socket-address.ts";

const NAMED = ["AF_INET6", "SOL_SOCKET", "SO_REUSEADDR", "SO_ERROR", "SO_LINGER", "IP_TTL"] as const;
const MORE = ["IPV6_UNICAST_HOPS", "IPV6_V6ONLY", "MSG_NOSIGNAL", "O_NONBLOCK"] as const;

describe.each([
  ["darwin", DARWIN],
  ["freebsd", FREEBSD],
] as const)("the numbers of %s", (platform: BsdPlatform, table: SocketNumbers) => {
  const numbers = bsdNumbers(platform);

  test.each([...NAMED, ...MORE])("%s", (name) => expect(table[name]).toBe(numbers.get(name) ?? -1));

  test.each(["POLLIN", "POLLOUT", "POLLERR", "POLLHUP"] as const)("%s", (name) => {
    expect(table.polling[name]).toBe(numbers.get(name) ?? -1);
  });

  test.each([
    ["EAGAIN", 11],
    ["EINPROGRESS", 115],
    ["EADDRINUSE", 98],
    ["EADDRNOTAVAIL", 99],
    ["ENETUNREACH", 101],
    ["EHOSTUNREACH", 113],
    ["ECONNREFUSED", 111],
  ] as const)("%s is Linux's %i", (name, linux) => expect(table.errors[numbers.get(name) ?? -1]).toBe(linux));
});

test("sockets are kept out of a tunnel by the option of each system", () => {
  const [darwin, freebsd] = [bsdNumbers("darwin"), bsdNumbers("freebsd")];
  const pair = [darwin.get("IP_BOUND_IF"), darwin.get("IPV6_BOUND_IF")];
  expect(DARWIN.outside.deviceIndex?.map(([, option]) => option)).toEqual(pair.map((found) => found ?? -1));
  expect(FREEBSD.outside.mark?.[1]).toBe(freebsd.get("SO_USER_COOKIE") ?? -1);
});

test.each(["192.0.2.7", "2001:db8::7"])("%s goes into every system's layout and is read out of it", (address) => {
  for (const layout of [DARWIN, FREEBSD, WINDOWS]) {
    const sockaddr = toSystemAddress(sockaddrOf({ address, port: 443 }), layout);
    expect(readSockaddr(sockaddr)).toEqual({ address, port: 443 });
    if (layout.hasAddressLength) expect(sockaddr[0]).toBe(sockaddr.length);
  }
});
