import { expect, test } from "bun:test";
import { busSocket } from "./bus-address.ts";

test.each([
  ["unix:path=/run/bus", "/run/bus"],
  ["unix:path=/run/bus,guid=00112233445566778899aabbccddeeff", "/run/bus"],
  ["unix:guid=00,path=/run/bus", "/run/bus"],
  ["unix:abstract=/tmp/x", "\0/tmp/x"],
  ["unix:path=/a%20b%c3%a4", "/a b\u00e4"],
  ["tcp:host=localhost,port=4;unix:path=/run/bus", "/run/bus"],
  ["unixexec:path=/bin/sh,argv1=-c", undefined],
  ["launchd:env=X", undefined],
  ["unix:tmpdir=/tmp", undefined],
  ["unix:path=", undefined],
  ["", undefined],
  ["nonsense", undefined],
])("busSocket(%j) is %j: a socket of this machine, and nothing that starts programs", (address, socket) => {
  expect(busSocket(address)).toBe(socket as string);
});

test("busSocket() without an address is the system bus", () => {
  const before = process.env["DBUS_SYSTEM_BUS_ADDRESS"];
  delete process.env["DBUS_SYSTEM_BUS_ADDRESS"];
  try {
    expect(busSocket()).toBe("/run/dbus/system_bus_socket");
    process.env["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=/elsewhere";
    expect(busSocket()).toBe("/elsewhere");
  } finally {
    if (before === undefined) delete process.env["DBUS_SYSTEM_BUS_ADDRESS"];
    else process.env["DBUS_SYSTEM_BUS_ADDRESS"] = before;
  }
});
