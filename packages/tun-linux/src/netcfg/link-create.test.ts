import { describe, expect, test } from "bun:test";
import { failureOf } from "../../test/network-pair.ts";
import { parseAttributes } from "../netlink/index.ts";
import { IFINFOMSG_BYTES, IFLA_INFO_DATA, IFLA_LINK, IFLA_LINKINFO } from "./link-attributes.ts";
import { addLinkRequest } from "./link-create.ts";

describe("addLinkRequest()", () => {
  test("describes a VLAN as iproute2 does", () => {
    // IFLA_INFO_DATA of `ip link add v0 link a0 type vlan id 9 protocol 802.1ad`.
    const data = Uint8Array.fromHex("06000100090000000600050088a80000");
    const message = addLinkRequest({ kind: "vlan", name: "v0", parent: 3, id: 9, protocol: "802.1ad" });
    const attributes = parseAttributes(message.body().subarray(IFINFOMSG_BYTES));
    const info = parseAttributes(attributes.get(IFLA_LINKINFO) ?? new Uint8Array(0));
    expect(info.get(IFLA_INFO_DATA)).toEqual(data);
    expect(attributes.get(IFLA_LINK)).toEqual(Uint8Array.of(3, 0, 0, 0));
  });

  test.each([0, 4095, 1.5])("refuses the VLAN id %d", (id) => {
    expect(failureOf(() => addLinkRequest({ kind: "vlan", name: "v0", parent: 3, id })).code).toBe("E_DEVICE_OPTION");
  });
});
