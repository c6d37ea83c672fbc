// needs root: network namespaces
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DeviceError } from "@bunnel/device";
import { ip } from "../../test/witness.ts";
import { NetworkNamespace } from "../namespace.ts";
import { NETLINK_ROUTE, NLM_F_ACK } from "./constants.ts";
import { NetlinkMessage, parseAttributes } from "./message.ts";
import { NetlinkSocket } from "./socket.ts";

const RTM_NEWLINK = 16;
const RTM_NEWADDR = 20;
const RTM_GETLINK = 18;
const NLM_F_CREATE_EXCL = 0x600;
const RTMGRP_LINK = 1;
const IFLA_IFNAME = 3;
const IFA_LOCAL = 2;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

function newAddress(index: number, last: number, flags = 0): NetlinkMessage {
  const header = Uint8Array.of(2, 32, 0, 0, index, 0, 0, 0);
  return new NetlinkMessage(RTM_NEWADDR, NLM_F_CREATE_EXCL | flags, header).attr(
    IFA_LOCAL,
    Uint8Array.of(192, 0, 2, last),
  );
}

function failure(work: () => unknown): DeviceError {
  try {
    work();
  } catch (error) {
    if (error instanceof DeviceError) return error;
    throw error;
  }
  throw new Error("expected a failure, found none");
}

describe("NetlinkSocket", () => {
  test("request() throws the kernel's errno and its words", () => {
    using socket = namespace.run(() => NetlinkSocket.open(NETLINK_ROUTE));
    const tooLong = new NetlinkMessage(RTM_NEWLINK, NLM_F_CREATE_EXCL, new Uint8Array(16)).string(
      IFLA_IFNAME,
      "x".repeat(40),
    );
    const error = failure(() => socket.request(tooLong));
    expect(error.errno).toBe(34);
    expect(error.message).toBe(
      "netlink request 16 failed with ERANGE (Attribute failed policy validation: attribute 3)",
    );
  });

  test("dump() gives every message, and the socket can be used again", () => {
    using socket = namespace.run(() => NetlinkSocket.open(NETLINK_ROUTE));
    for (let i = 0; i < 3; i++) {
      const messages = socket.dump(new NetlinkMessage(RTM_GETLINK, 0, new Uint8Array(16)));
      const names = messages.map(({ payload }) => parseAttributes(payload.subarray(16)).get(IFLA_IFNAME));
      expect(names).toEqual([new TextEncoder().encode("lo\0")]);
    }
  });

  test("batch() does all of its messages in one send", () => {
    using socket = namespace.run(() => NetlinkSocket.open(NETLINK_ROUTE));
    socket.batch(Array.from({ length: 100 }, (_, i) => newAddress(1, i + 1, NLM_F_ACK)));
    const [lo] = ip(namespace, "-4", "addr", "show", "dev", "lo");
    const addresses = lo?.["addr_info"] as { readonly local: string }[];
    expect(addresses.filter(({ local }) => local.startsWith("192.0.2."))).toHaveLength(100);
  });

  test("batch() throws the first failure with its index, also of a message without NLM_F_ACK", () => {
    using socket = namespace.run(() => NetlinkSocket.open(NETLINK_ROUTE));
    const batch = [newAddress(1, 201, NLM_F_ACK), newAddress(77, 1), newAddress(88, 1, NLM_F_ACK), newAddress(1, 202)];
    const error = failure(() => socket.batch(batch));
    expect([error.code, error.errno]).toEqual(["E_DEVICE_GONE", 19]);
    expect(error.message).toContain("message 1 of 4 failed with ENODEV");
    // Nothing of the failed batch is taken for the answer of the next request.
    socket.request(newAddress(1, 203));
    expect(failure(() => socket.request(newAddress(1, 203))).code).toBe("E_DEVICE_BUSY");
  });

  test("receive() gives events of its groups, and nothing when the time is over", () => {
    using events = namespace.run(() => NetlinkSocket.open(NETLINK_ROUTE, { groups: RTMGRP_LINK }));
    using socket = namespace.run(() => NetlinkSocket.open(NETLINK_ROUTE));
    expect(events.receive(1)).toEqual([]);
    const mtu = new NetlinkMessage(RTM_NEWLINK, 0, Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)).u32(
      4,
      60000,
    );
    socket.request(mtu);
    expect(events.receive(1000).map(({ type }) => type)).toEqual([RTM_NEWLINK]);
  });

  test("a closed socket says so, and close() can be called twice", () => {
    const socket = NetlinkSocket.open(NETLINK_ROUTE);
    socket.close();
    socket.close();
    expect(failure(() => socket.request(newAddress(1, 1))).code).toBe("E_DEVICE_STATE");
  });

  test("open() of a protocol that the kernel does not have says E_UNSUPPORTED or E_DEVICE_SYSTEM", () => {
    expect(["E_UNSUPPORTED", "E_DEVICE_SYSTEM"]).toContain(failure(() => NetlinkSocket.open(31)).code);
  });
});
