import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseProfile } from "@bunnel/profile";
import { gatewayWarnings } from "./gateway.ts";

const GATEWAY = parseProfile('[gateway]\ninterfaces = ["br-lan"]\n');

let root: string;
beforeEach(() => {
  root = `${mkdtempSync(join(tmpdir(), "bunnel-gateway-"))}/`;
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function system(forwarding4: string, forwarding6: string | undefined, ...interfaces: readonly string[]): void {
  const net = `${root}proc/sys/net`;
  for (const name of interfaces) mkdirSync(`${net}/ipv4/conf/${name}`, { recursive: true });
  mkdirSync(`${net}/ipv4`, { recursive: true });
  mkdirSync(`${net}/ipv6/conf/all`, { recursive: true });
  writeFileSync(`${net}/ipv4/ip_forward`, `${forwarding4}\n`);
  if (forwarding6 !== undefined) writeFileSync(`${net}/ipv6/conf/all/forwarding`, `${forwarding6}\n`);
}

describe("gatewayWarnings()", () => {
  test("has nothing to say where everything is there, and where nothing is asked for", () => {
    system("1", "1", "br-lan");
    expect(gatewayWarnings(GATEWAY, root)).toEqual([]);
    system("0", "0");
    expect(gatewayWarnings(parseProfile(""), root)).toEqual([]);
  });

  test("names the settings that keep packets from being forwarded", () => {
    system("0", "0", "br-lan");
    expect(gatewayWarnings(GATEWAY, root)).toEqual([
      "gateway: this machine forwards no IPv4: sysctl net.ipv4.ip_forward is 0",
      "gateway: this machine forwards no IPv6: sysctl net.ipv6.conf.all.forwarding is 0",
    ]);
  });

  test("asks nothing of a family that the system does not have", () => {
    system("1", undefined, "br-lan");
    expect(gatewayWarnings(GATEWAY, root)).toEqual([]);
  });

  test("names an interface that is not there", () => {
    system("1", "1");
    expect(gatewayWarnings(GATEWAY, root)).toEqual([
      'gateway: no interface "br-lan" for now; its packets are looked at when it comes',
    ]);
  });
});
