import { describe, expect, test } from "bun:test";
import * as nl from "./constants.ts";
import { failureOf, requestError } from "./failure.ts";
import { NetlinkMessage, type ReceivedMessage } from "./message.ts";

const NAMES = {
  request: (type: number) => `request ${type}`,
  attribute: (_: number, path: readonly number[]) => `A${path.join(".")}`,
};

/** An acknowledgement as the kernel lays it out, the request left out (NLM_F_CAPPED). */
function answer(errno: number, attributes: NetlinkMessage): ReceivedMessage {
  const payload = new Uint8Array([...new Uint8Array(20), ...attributes.body()]);
  new DataView(payload.buffer).setInt32(0, -errno, true);
  return { type: nl.NLMSG_ERROR, flags: nl.NLM_F_CAPPED | nl.NLM_F_ACK_TLVS, sequence: 1, port: 0, payload };
}

const none = () => new NetlinkMessage(0, 0, new Uint8Array(0));
const request = new NetlinkMessage(5, 0, new Uint8Array(8))
  .u32(1, 7)
  .nested(2, (inner) => void inner.u8(3, 1).nested(4, (deep) => void deep.u16(6, 1), new Uint8Array(4)));

describe("requestError()", () => {
  test.each([
    [24, "A1"],
    [32, "A2"],
    [36, "A2.3"],
    [44, "A2.4"],
    [52, "A2.4.6"],
    [28, undefined],
    [0, undefined],
  ])("the attribute at octet %d is %s", (offset, attribute) => {
    const octets = request.toBytes(1);
    if (attribute !== undefined) {
      expect(octets[offset + 2]).toBe(Number(attribute.match(/\d+$/)?.[0]));
    }
    const failure = failureOf(
      answer(22, none().string(nl.NLMSGERR_ATTR_MSG, "bad").u32(nl.NLMSGERR_ATTR_OFFS, offset)),
    );
    const error = requestError([request], 0, failure, NAMES);
    expect(error.attribute).toBe(attribute as string);
    const words = attribute === undefined ? "bad" : `bad: ${attribute}`;
    expect(error.message).toBe(`request 5 failed with EINVAL (${words})`);
    expect(error.explanation).toBe("bad");
  });

  test("an attribute that is missing is named with its holder", () => {
    const top = failureOf(answer(22, none().u32(nl.NLMSGERR_ATTR_MISS_TYPE, 9)));
    expect(requestError([request], 0, top, NAMES).attribute).toBe("A9 is missing");
    const inside = none().u32(nl.NLMSGERR_ATTR_MISS_TYPE, 9).u32(nl.NLMSGERR_ATTR_MISS_NEST, 32);
    expect(requestError([request], 0, failureOf(answer(22, inside)), NAMES).message).toBe(
      "request 5 failed with EINVAL (A2.9 is missing)",
    );
  });

  test.each([
    [1, "E_DEVICE_DENIED"],
    [2, "E_DEVICE_MISSING"],
    [3, "E_DEVICE_MISSING"],
    [13, "E_DEVICE_STATE"],
    [16, "E_DEVICE_BUSY"],
    [17, "E_DEVICE_BUSY"],
    [19, "E_DEVICE_GONE"],
    [22, "E_DEVICE_SYSTEM"],
    [95, "E_UNSUPPORTED"],
    [99, "E_DEVICE_MISSING"],
    [100, "E_DEVICE_STATE"],
  ])("errno %d is %s", (errno, code) => {
    const error = requestError([request, request], 1, failureOf(answer(errno, none())), NAMES);
    expect(error).toMatchObject({ code, errno, explanation: "" });
    expect(error.message).toContain("request 5, message 1 of 2 failed with");
    expect(error.message.endsWith("needs CAP_NET_ADMIN")).toBe(code === "E_DEVICE_DENIED");
  });
});
