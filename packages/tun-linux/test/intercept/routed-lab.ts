// A small internet in two namespaces, and a client that can be intercepted:
//
//   client                                              server
//   c0 192.0.2.1/24     ───────────────────────────  s0 192.0.2.254/24        default route of the client
//      2001:db8:1::1/64                                 2001:db8:1::fe/64
//   c1 198.51.100.1/24  ───────────────────────────  s1 198.51.100.254/24     a second way, without a default route
//      2001:db8:3::1/64                                 2001:db8:3::fe/64
//   tun0                                             lo 203.0.113.9 203.0.113.200 10.1.2.3 198.18.0.9
//                                                       2001:db8:2::9 fd00::9
//
// 198.18.0.9 is reached by c1. The server answers "heard N" to N octets on the ports of PORTS: by TCP at
// every address, by UDP at SERVER4 and SERVER6.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InterceptionOptions, Selection } from "@bunnel/device";
import type { LinuxTun } from "../../src/device.ts";
import { NetworkNamespace } from "../../src/namespace.ts";
import { openLinuxTun } from "../../src/open.ts";
import { RawSender, TestSocket } from "./sys.ts";

export const PORTS = [53, 80, 443, 8080, 9999];
export const SERVER4 = "203.0.113.9";
export const SERVER6 = "2001:db8:2::9";
/** Beyond `addNarrowLink`, where nobody answers. */
export const NARROW4 = "203.0.113.66";
export const NARROW6 = "2001:db8:7::9";

const SLOT_BYTES = 2048;
const SLOTS = 64;
const TURN_MS = 2;
const TURNS_MAX = 2500;

export interface Saying {
  readonly kind?: "tcp" | "udp";
  readonly to?: string;
  readonly port?: number;
  readonly mark?: number;
  /** Packets that come up are sent on by a raw socket with this mark. 0 (the default): they are kept back. */
  readonly forwardMark?: number;
  /** How often it is looked at what happens. */
  readonly turns?: number;
}

export class RoutedLab implements Disposable {
  readonly client = NetworkNamespace.create();
  readonly server = NetworkNamespace.create();
  readonly directory = mkdtempSync(join(tmpdir(), "bunnel-lab-"));
  readonly statePath = join(this.directory, "run", "state.json");
  readonly #memory = new SharedArrayBuffer(SLOTS * SLOT_BYTES);
  readonly #list = {
    at: Uint32Array.from({ length: SLOTS }, (_, slot) => slot * SLOT_BYTES),
    lengths: new Uint16Array(SLOTS),
  };
  #tun: LinuxTun | undefined;
  readonly #processes: Bun.Subprocess[] = [];

  /** The wires, the server, and a device in the client. */
  static async open(): Promise<RoutedLab> {
    const lab = new RoutedLab();
    try {
      lab.#wire("c0", "s0", "192.0.2", "2001:db8:1");
      lab.#wire("c1", "s1", "198.51.100", "2001:db8:3");
      for (const address of [SERVER4, "203.0.113.200", "10.1.2.3", "198.18.0.9"]) {
        lab.far("ip", "addr", "add", `${address}/32`, "dev", "lo");
      }
      for (const address of [SERVER6, "fd00::9"]) lab.far("ip", "addr", "add", `${address}/128`, "dev", "lo", "nodad");
      lab.near("ip", "route", "add", "default", "via", "192.0.2.254", "dev", "c0");
      lab.near("ip", "-6", "route", "add", "default", "via", "2001:db8:1::fe", "dev", "c0");
      lab.near("ip", "route", "add", "198.18.0.0/15", "via", "198.51.100.254", "dev", "c1");
      lab.openDevice();
      const script = new URL("answer.ts", import.meta.url).pathname;
      const command = [process.execPath, script, SERVER4, SERVER6, ...PORTS.map(String)];
      const answering = lab.server.run(() => Bun.spawn(command, { stdout: "pipe", stderr: "inherit" }));
      lab.#processes.push(answering);
      // Its first words say that it listens.
      const { value } = await answering.stdout.getReader().read();
      if (value === undefined) throw new Error("the server did not start");
      return lab;
    } catch (error) {
      lab[Symbol.dispose]();
      throw error;
    }
  }

  #wire(near: string, far: string, prefix4: string, prefix6: string): void {
    this.near("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", this.server.path);
    for (const [host, device, host4, host6] of [
      [this.near, near, 1, "1"],
      [this.far, far, 254, "fe"],
    ] as const) {
      host("ip", "link", "set", device, "addrgenmode", "none");
      host("ip", "link", "set", device, "up");
      host("ip", "addr", "add", `${prefix4}.${host4}/24`, "dev", device);
      host("ip", "addr", "add", `${prefix6}::${host6}/64`, "dev", device, "nodad");
    }
  }

  /** Runs a command in the client; its output. */
  readonly near = (...command: string[]): string => run(this.client, command);
  /** Runs a command in the server; its output. */
  readonly far = (...command: string[]): string => run(this.server, command);

  get tun(): LinuxTun {
    if (this.#tun === undefined) throw new Error("the lab has no device");
    return this.#tun;
  }

  openDevice(): LinuxTun {
    this.#tun = this.client.run(() => openLinuxTun({ name: "tun0", ipv6LinkLocal: "none" }));
    this.#tun.attach(this.#memory);
    return this.#tun;
  }

  /** The server becomes a router too, with a link of 1300 octets behind it. */
  addNarrowLink(): void {
    this.far("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
    this.far("ip", "link", "add", "narrow", "mtu", "1300", "type", "veth", "peer", "name", "beyond");
    for (const name of ["narrow", "beyond"]) this.far("ip", "link", "set", name, "up");
    this.far("ip", "addr", "add", "203.0.113.65/29", "dev", "narrow");
    this.far("ip", "addr", "add", "2001:db8:7::1/64", "dev", "narrow", "nodad");
  }

  options(select: Selection, more: Partial<InterceptionOptions> = {}): InterceptionOptions {
    return { deviceName: this.tun.name, deviceIndex: this.tun.index, select, ...more };
  }

  /** Packets that wait at the device. */
  readDevice(): Uint8Array[] {
    const packets: Uint8Array[] = [];
    for (let count = -1; count !== 0;) {
      count = this.tun.read(this.#list, 0, SLOT_BYTES);
      for (let slot = 0; slot < count; slot++) {
        const at = slot * SLOT_BYTES;
        packets.push(new Uint8Array(this.#memory).slice(at, at + (this.#list.lengths[slot] ?? 0)));
      }
    }
    return packets;
  }

  /**
   * The client sends a payload to the server. What comes back first: the server's answer, or the packet with the
   * payload at the device (if it is not sent on).
   */
  say(payload: string | Uint8Array, saying: Saying = {}): { answer?: string; cameUp: Uint8Array[] } {
    const { kind = "tcp", to = SERVER4, port = 9999, mark = 0, forwardMark = 0, turns = TURNS_MAX } = saying;
    const octets = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
    using raw = this.client.run(() => new RawSender(forwardMark));
    using socket = this.client.run(() => new TestSocket(kind, to, port, mark));
    const cameUp: Uint8Array[] = [];
    let said = false;
    for (let turn = 0; turn < turns; turn++) {
      const packets = this.readDevice();
      cameUp.push(...packets);
      if (forwardMark !== 0) for (const packet of packets) raw.send(packet);
      else if (packets.some((packet) => endsWith(packet, octets))) return { cameUp };
      if (!said && socket.connected) {
        socket.send(octets);
        said = true;
      }
      const answer = said ? socket.receive() : undefined;
      if (answer !== undefined) return { answer, cameUp: [...cameUp, ...this.readDevice()] };
      Bun.sleepSync(TURN_MS);
    }
    throw new Error(`neither an answer nor the packet at the device; ${cameUp.length} packets came up`);
  }

  /** Another process in the client that holds an interception with a device `tun1`; what it says when it does. */
  async hold(
    method: "nft" | "rules",
    more: readonly string[] = [],
  ): Promise<{ process: Bun.Subprocess; said: unknown }> {
    const script = new URL("hold-interception.ts", import.meta.url).pathname;
    const command = [process.execPath, script, method, this.statePath, "tun1", ...more];
    const holder = this.client.run(() => Bun.spawn(command, { stdout: "pipe", stderr: "inherit" }));
    this.#processes.push(holder);
    const { value } = await holder.stdout.getReader().read();
    return { process: holder, said: JSON.parse(new TextDecoder().decode(value)) };
  }

  /** Rules, routes and tables that speak of interception, as the system's own tools show them. */
  traces(): { rules: string[]; routes: string[]; tables: string[] } {
    const lines = (...command: string[]): string[] =>
      this.near(...command)
        .split("\n")
        .map((line) => line.trim().replace(/\s+/g, " "))
        .filter((line) => line !== "");
    const rules = [...lines("ip", "-4", "rule"), ...lines("ip", "-6", "rule")];
    return {
      rules: rules.filter((line) => !/^(0|32766|32767):/.test(line)),
      routes: [
        ...lines("ip", "-4", "route", "show", "table", "all"),
        ...lines("ip", "-6", "route", "show", "table", "all"),
      ].filter((line) => /table 400[02]/.test(line)),
      tables: lines("nft", "list", "tables"),
    };
  }

  [Symbol.dispose](): void {
    for (const child of this.#processes) child.kill("SIGKILL");
    this.#tun?.close();
    this.client.close();
    this.server.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function run(namespace: NetworkNamespace, command: string[]): string {
  const { exitCode, stdout, stderr } = namespace.run(() => Bun.spawnSync(command, { stdout: "pipe", stderr: "pipe" }));
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
  return stdout.toString();
}

function endsWith(packet: Uint8Array, octets: Uint8Array): boolean {
  return packet.length >= octets.length && packet.subarray(packet.length - octets.length).toHex() === octets.toHex();
}
