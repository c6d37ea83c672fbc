// What must hold of every capture: all readers find what Wireshark found, in the same packets.
import { expect } from "bun:test";
import { type Found, namesByEngine, namesByReplay, namesByWire } from "./names.ts";

/** @param known what Wireshark says of it */
export async function expectSameNames(path: string, known: readonly Found[]): Promise<void> {
  const file = await Bun.file(path).bytes();
  const byEngine = await namesByEngine(file);
  expectAgreement(byEngine, known);
  // Between ourselves there is no difference at all.
  expect(namesByWire(file)).toEqual(byEngine);
  expect(await namesByReplay(path)).toEqual(byEngine);
}

/**
 * The same, but that a name in QUIC may be known sooner: Wireshark waits until the whole hello is there, we until the
 * octets are that lead to the name.
 */
function expectAgreement(found: readonly Found[], known: readonly Found[]): void {
  const sooner = known.map((one, index) => {
    const { packet = 0 } = found[index] ?? {};
    return one.kind === "quic" && packet > 0 && packet < one.packet ? { ...one, packet } : one;
  });
  expect(found).toEqual(sooner);
}

/** "kind host" of every message, each once. */
export function said(known: readonly Found[]): ReadonlySet<string> {
  return new Set(known.map(({ kind, host }) => `${kind} ${host}`.trim()));
}
