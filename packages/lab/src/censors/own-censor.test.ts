import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BLOCKED, fromClient, TLS } from "../sample-traffic.ts";
import type { Censor } from "./censor.ts";
import { CENSOR_EXAMPLE, CENSOR_KIT, CensorError, importCensor } from "./own-censor.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-censor-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The censor of a file with this text. */
async function censorOf(text: string): Promise<Censor> {
  const path = join(folder, "own.ts");
  await Bun.write(path, text);
  const make = await importCensor(path);
  return make({ blocked: [BLOCKED], hopsToServer: 3 }, CENSOR_KIT);
}

const WHOLE = fromClient(0, TLS.bad);

describe("importCensor()", () => {
  test("makes the censor of the manual, which keeps listed names from the server and nothing else", async () => {
    const censor = await censorOf(CENSOR_EXAMPLE);
    censor.reset();
    expect(censor.judge(WHOLE, "outbound", 0)).toEqual({ forward: false, matched: BLOCKED });
    expect(censor.judge(WHOLE, "inbound", 0)).toEqual({ forward: true });
    expect(censor.judge(fromClient(0, TLS.good), "outbound", 0)).toEqual({ forward: true });
  });

  test.each([
    ["export const censor = 1;", "as its default export, found undefined"],
    ["export default () => 7;", "default export: expected a censor, found number"],
    ["export default async () => ({});", "default export: expected a censor, found a promise of one"],
    ['export default () => ({ name: " ", says: "", reset() {}, judge() {} });', "name: expected some letters"],
  ])("refuses %p", (text, sentence) => {
    return expect(censorOf(text)).rejects.toThrow(sentence);
  });

  test.each([
    ["'no'", "expected { forward: true } or { forward: false }, found string"],
    ["({})", "forward: expected true or false, found undefined"],
    ["({ forward: true, matched: 1 })", "matched: expected a text, found number"],
    ["({ forward: true, inject: 1 })", "inject: expected a list, found number"],
    ["({ forward: true, inject: [{ packet: new Uint8Array(9) }] })", 'inject: expected to "client" or "server"'],
  ])("tells of an answer %p", async (answer, sentence) => {
    const text = `export default () => ({ name: "own", says: "x", reset() {}, judge: () => ${answer} });`;
    const censor = await censorOf(text);
    const judging = () => censor.judge(WHOLE, "outbound", 0);
    expect(judging).toThrow(CensorError);
    expect(judging).toThrow(`own: judge, of an outbound packet of ${WHOLE.length} octets: ${sentence}`);
  });

  test("tells of a reset that throws", async () => {
    const text = 'export default () => ({ name: "own", says: "x", judge() {}, reset() { throw new Error("oh"); } });';
    const censor = await censorOf(text);
    expect(() => censor.reset()).toThrow("own: reset: threw oh");
  });
});
