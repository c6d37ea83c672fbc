// needs root: namespaces. Captures made now, by the clients of this machine: tcpdump, nginx, tshark, and what it has of
// curl, openssl, dig, chromium, gtlsclient (Debian: ngtcp2-client).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { expectSameNames, said } from "./check.ts";
import { CASES, certificateNames } from "./clients.ts";
import { namesByTshark } from "./names.ts";
import { CaptureLab } from "./network.ts";

setDefaultTimeout(60_000);

const HERE = CASES.filter(({ program }) => program === "bun" || Bun.which(program) !== null);

let lab: CaptureLab;
beforeAll(async () => {
  lab = await CaptureLab.open(certificateNames());
});
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
});

describe.each(HERE)("$name", (one) => {
  test("engine, program and codec find the names that tshark finds", async () => {
    const path = lab.folder.file(`${one.name}.pcap`);
    await Bun.write(path, await lab.capture(() => one.run(lab)));
    const known = await namesByTshark(path);
    expect(said(known)).toEqual(new Set(one.messages));
    await expectSameNames(path, known);
  });
});

test("most clients are there", () => {
  expect(HERE.length).toBeGreaterThan(CASES.length / 2);
});
