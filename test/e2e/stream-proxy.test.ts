// needs root: namespaces and /dev/net/tun.
// `bunnel proxy` on the lab's client, curl through it, and a box of each kind in front of an address of the server.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import type { CensorName } from "@bunnel/lab";
import { ALLOWED_NAME, BLOCKED_NAME, serverAddress, type Family } from "@bunnel/lab/live";
import { PROGRAM } from "../cli/run.ts";
import { createLab } from "./lab.ts";

setDefaultTimeout(240_000);

const LISTEN = "127.0.0.1:1080";
const BOXES: readonly CensorName[] = [
  ...(["packet", "first-packet", "inorder", "inorder-exact"] as const),
  ...(["full-first", "full-cksum", "full-last", "full-valid"] as const),
];
/** Boxes that lose a stream whose order is turned. */
const IN_ORDER: readonly CensorName[] = ["packet", "first-packet", "inorder", "inorder-exact"];
/** What is lost on its way is sent again after 200 ms at the earliest; what is blocked is waited for so long. */
const PATIENCE_SECONDS = "4";

const lab = await createLab();
afterAll(() => lab[Symbol.asyncDispose]());

interface Proxy extends AsyncDisposable {
  stats(): Promise<{ readonly treated: number }>;
}

async function proxyWith(strategy: string, ...more: readonly string[]): Promise<Proxy> {
  const child = lab.client.spawn([...PROGRAM, "proxy", "--json", "-l", LISTEN, "--strategy", strategy, ...more]);
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  if (value === undefined) throw new Error(`bunnel proxy did not start: ${await child.stderr.text()}`);
  const end = async () => {
    child.kill("SIGTERM");
    const last = await reader.read();
    await child.exited;
    return (JSON.parse(new TextDecoder().decode(last.value)) as { stats: { treated: number } }).stats;
  };
  let ended: ReturnType<typeof end> | undefined;
  const stop = () => (ended ??= end());
  return { stats: stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

/** Whether the server was asked for the host itself, by curl, through the proxy. */
async function isServed(scheme: "https" | "http", host: string, family: Family, server: number): Promise<boolean> {
  const port = scheme === "https" ? 443 : 80;
  const address = serverAddress(family, server);
  const { status, stdout } = await lab.client.run(
    [
      ...["curl", "-sS", "--http1.1", "-m", PATIENCE_SECONDS, "-x", `socks5://${LISTEN}`],
      ...["--resolve", `${host}:${port}:${family === 6 ? `[${address}]` : address}`],
      ...(scheme === "https" ? ["--cacert", "/dev/stdin"] : []),
      `${scheme}://${host}/who`,
    ],
    { stdin: new TextEncoder().encode(lab.authority) },
  );
  if (status !== 0) return false;
  return (JSON.parse(stdout) as { readonly host: string }).host === host;
}

/** The boxes that a host passes in both families. */
async function passed(scheme: "https" | "http", host: string): Promise<readonly CensorName[]> {
  await lab.setCensors(BOXES);
  const both = await Promise.all(
    BOXES.map(async (_, server) => {
      const served = await Promise.all(lab.families.map((family) => isServed(scheme, host, family, server)));
      return served.every(Boolean);
    }),
  );
  return BOXES.filter((_, index) => both[index]);
}

test("bunnel proxy that leaves messages alone is blocked by every box, and reaches what is allowed", async () => {
  await using _proxy = await proxyWith("tls: pass  http: pass");
  expect(await passed("https", BLOCKED_NAME)).toEqual([]);
  expect(await passed("https", ALLOWED_NAME)).toEqual([...BOXES]);
});

const CASES = [
  ["https", "tls: split(midsld)", ["packet", "first-packet"]],
  ["https", "tls: split(1, midsld) disorder", IN_ORDER],
  // What reads streams to their end joins records too, up to a number of them.
  ["https", "tls: tlsrec(midsld) split(midsld)", [...IN_ORDER, "full-last", "full-valid"]],
  ["https", "tls: oob(midsld)", BOXES],
  // A box that keeps the last copy is not fooled by what is sent again; a fake that is whole tells packet readers.
  ["https", "tls: fake(ttl=3) split(midsld) disorder", BOXES.filter((box) => box !== "full-last")],
  ["http", "http: split(host+2) disorder", IN_ORDER],
  ["http", "http: oob(host+2)", BOXES],
  ["http", "http: fake(ttl=3) split(host+2) disorder", BOXES.filter((box) => box !== "full-last")],
] as const;

test.each(CASES)("%s through bunnel proxy with %s passes the boxes that it should", async (scheme, strategy, boxes) => {
  await using proxy = await proxyWith(strategy);
  expect(await passed(scheme, BLOCKED_NAME)).toEqual([...boxes]);
  const { treated } = await proxy.stats();
  expect(treated).toBe(BOXES.length * lab.families.length);
});

// Hop limits, urgent octets and pieces; a decoy's octets are changed behind the socket, as the native form alone can.
const PORTABLE_CASES = CASES.filter(([, strategy]) => /oob|tls: .* disorder/.test(strategy) && !/fake/.test(strategy));

test.each(PORTABLE_CASES)("%s with %s passes the same boxes in the portable form", async (scheme, strategy, boxes) => {
  await using proxy = await proxyWith(strategy, "--portable");
  expect(await passed(scheme, BLOCKED_NAME)).toEqual([...boxes]);
  const { treated } = await proxy.stats();
  expect(treated).toBe(BOXES.length * lab.families.length);
});

test("what the portable form cannot carry out is named", async () => {
  const child = lab.client.spawn([
    ...[...PROGRAM, "proxy", "--portable", "--json", "-l", LISTEN],
    ...["--strategy", "tls: fake(ttl=3) split(midsld)"],
  ]);
  const { value } = await child.stdout.getReader().read();
  const { leftOut } = JSON.parse(new TextDecoder().decode(value)) as { leftOut: readonly { why: string }[] };
  child.kill("SIGTERM");
  await child.exited;
  expect(leftOut).toMatchObject([{ kind: "tls", technique: "fake" }]);
  expect(leftOut[0]?.why).toBe(
    "needs Linux's own sockets: no octets can be changed behind a socket in the portable form",
  );
});
