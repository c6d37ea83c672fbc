import { expect, test } from "bun:test";
import { hostKey, isForQuic, quicPart, readHostKey } from "./host-key.ts";

test("hostKey() keeps QUIC apart, and readHostKey() reads it back", () => {
  expect(hostKey("www.example.org", "tls")).toBe(hostKey("www.example.org", "http"));
  for (const kind of ["tls", "quic"] as const) {
    const key = hostKey("www.example.org", kind);
    expect(readHostKey(key)).toEqual({ host: "www.example.org", isQuic: kind === "quic" });
  }
});

test("quicPart() and isForQuic() tell what is for QUIC", () => {
  expect(quicPart("tls: split(1)  quic: tos(8)")).toBe("quic: tos(8)");
  expect([quicPart("tls: split(1)"), quicPart("preset:gone")]).toEqual([undefined, undefined]);
  expect(["quic: tos(8)", "tls: split(1)  quic: tos(8)", "pass", "preset:gone"].map(isForQuic)).toEqual([
    ...[true, false, false, false],
  ]);
});
