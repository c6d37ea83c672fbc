// A live lab with the real program in it, and what the tests ask of the client's machine.
import { readFileSync } from "node:fs";
import { type Family, type LabHost, LiveLab, serverAddress, type FetchOrder } from "@bunnel/lab/live";
import { expect } from "bun:test";
import { PROGRAM } from "../cli/run.ts";

export const METHODS = ["nft", "rules"] as const;

/** Passes every box of the gallery that does not validate what a server validates. */
export const STRATEGY = "tls: split(1, midsld) disorder  http: split(method+2, midsld) disorder";

/** A page that must come may take so long on a machine that has other things to do. */
export const SERVED_MS = 15_000;

export const BULK_BYTES = 100_000_000;

export function createLab(): Promise<LiveLab> {
  return LiveLab.create({ service: PROGRAM });
}

/** Everything that the program could leave behind in a network. */
export interface NetworkState {
  readonly links: readonly string[];
  readonly addresses: readonly string[];
  readonly rules: readonly string[];
  readonly routes: readonly string[];
  readonly nft: string;
  readonly settings: readonly string[];
}

export async function networkState(host: LabHost): Promise<NetworkState> {
  const lines = async (...command: string[]) => (await succeed(host, command)).trimEnd().split("\n").toSorted();
  const names = host.inside(() => [
    ...new Bun.Glob("*").scanSync({ cwd: "/proc/sys/net/ipv4/conf", onlyFiles: false }),
  ]);
  const settings = host.inside(() =>
    names
      .flatMap((name) => ["rp_filter", "src_valid_mark"].map((key) => `/proc/sys/net/ipv4/conf/${name}/${key}`))
      .concat("/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding")
      .map((path) => `${path} ${readFileSync(path, "utf8").trim()}`),
  );
  return {
    links: (await lines("ip", "-brief", "link")).map((line) => line.split(/[\s@]/)[0] ?? ""),
    addresses: await lines("ip", "-brief", "address"),
    rules: [...(await lines("ip", "-4", "rule")), ...(await lines("ip", "-6", "rule"))],
    routes: [
      ...(await lines("ip", "-4", "route", "show", "table", "all")),
      ...(await lines("ip", "-6", "route", "show", "table", "all")),
    ],
    nft: await succeed(host, ["nft", "list", "ruleset"]),
    settings: settings.toSorted(),
  };
}

/** A page comes, however busy the machine is. */
export async function expectServed(lab: LiveLab, order: FetchOrder): Promise<void> {
  expect(await lab.fetch({ ...order, timeoutMs: SERVED_MS })).toMatchObject({ outcome: "served" });
}

/**
 * Only rules, the filters that they need and routes that throw packets on to the rules behind may be left behind by a
 * kill, and they harm nobody.
 */
export function expectHarmless(left: NetworkState, before: NetworkState): void {
  const routes: readonly string[] = left.routes.filter((route) => !/^throw .* table 4000 /u.test(route));
  expect({ ...left, routes, rules: [], settings: [] }).toEqual({ ...before, rules: [], settings: [] });
  for (const rule of before.rules) expect(left.rules).toContain(rule);
}

/** Runs a command on a host of the lab and returns what it printed. @throws Error with its own words when it fails */
export async function succeed(host: LabHost, command: readonly string[], stdin?: Uint8Array): Promise<string> {
  const ran = await host.run(command, stdin === undefined ? {} : { stdin });
  if (ran.status !== 0) throw new Error(`${command.join(" ")}: status ${ran.status}, ${ran.stderr.trim()}`);
  return ran.stdout;
}

export interface Target {
  readonly family: Family;
  readonly scheme: "https" | "http";
  readonly port: number;
  readonly host: string;
  /** PEM of what the client trusts. Default: the authority of the lab's own server. */
  readonly authority?: string;
}

/** The words of a curl command for one path of a server, without limits on size; it trusts the lab's authority. */
function curl({ family, scheme, port, host }: Target, path: string, maxSeconds = 25): string {
  const address = family === 6 ? `[${serverAddress(6)}]` : serverAddress(4);
  return (
    `curl -sS --fail --noproxy '*' --http1.1 --connect-timeout 5 --max-time ${maxSeconds} --cacert /dev/stdin ` +
    `--resolve ${host}:${port}:${address} ${scheme}://${host}:${port}${path}`
  );
}

/** What the server answers to a request. */
export function get(lab: LiveLab, target: Target, path: string, maxSeconds?: number): Promise<string> {
  return succeed(lab.client, ["bash", "-c", curl(target, path, maxSeconds)], trusted(lab, target));
}

/** SHA-256 of what the client downloads, in hexadecimal. */
export async function downloadDigest(lab: LiveLab, target: Target, path: string): Promise<string> {
  const command = `set -o pipefail; ${curl(target, path)} | sha256sum`;
  const printed = await succeed(lab.client, ["bash", "-c", command], trusted(lab, target));
  return printed.split(" ")[0] ?? "";
}

/** A file goes up; returns what the server answers. */
export function upload(lab: LiveLab, target: Target, path: string, file: string, method = "POST"): Promise<string> {
  const command = `${curl(target, path)} -X ${method} -H 'Expect:' -T ${file}`;
  return succeed(lab.client, ["bash", "-c", command], trusted(lab, target));
}

function trusted(lab: LiveLab, { authority }: Target): Uint8Array {
  return new TextEncoder().encode(authority ?? lab.authority);
}
