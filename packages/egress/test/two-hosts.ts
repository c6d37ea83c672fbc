// Two hosts on one wire: this thread in a namespace of its own with 203.0.113.1 and 2001:db8::1 on `a0`, and a second
// namespace with 203.0.113.2 and 2001:db8::2 on `b0`, where tcpdump is the witness of what really left.
import { readlinkSync } from "node:fs";
import { enterNewNamespace } from "./sys.ts";

const PCAP_HEADER_BYTES = 24;
const PCAP_RECORD_BYTES = 16;
const ETHERNET_BYTES = 14;
const TURNS_MAX = 2000;

export function run(...command: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { stdout: "pipe", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
  return stdout.toString();
}

export interface Capture {
  /** The IP packets that came, oldest first, once all that were expected are there. */
  packets(): Promise<Uint8Array[]>;
}

export interface TwoHosts extends Disposable {
  /** Starts to listen on the far side for `count` packets between the two hosts. */
  capture(count: number): Promise<Capture>;
  /** Runs a command on the far host. */
  far(...command: string[]): string;
}

export async function twoHosts(): Promise<TwoHosts> {
  const leave = enterNewNamespace();
  const here = readlinkSync("/proc/thread-self/ns/net");
  const holder = Bun.spawn(["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sleep", "600"]);
  const release = (): void => {
    holder.kill();
    leave();
  };
  try {
    for (let turn = 0; readlinkSync(`/proc/${holder.pid}/ns/net`) === here; turn++) {
      if (turn > TURNS_MAX) throw new Error("the second namespace did not come");
      await Bun.sleep(5);
    }
    const enter = ["nsenter", "-t", String(holder.pid), "-n"];
    wire(holder.pid, enter);
    return {
      capture: (count) => capture(enter, count),
      far: (...command) => run(...enter, ...command),
      [Symbol.dispose]: release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

function wire(pid: number, enter: readonly string[]): void {
  run("ip", "link", "set", "lo", "up");
  run("ip", "link", "add", "a0", "type", "veth", "peer", "name", "b0", "netns", String(pid));
  for (const [prefix, device, host] of [
    [[], "a0", 1],
    [enter, "b0", 2],
  ] as const) {
    // Without address resolution and link-local addresses the wire is silent but for what the test sends.
    run(...prefix, "ip", "link", "set", device, "addrgenmode", "none", "arp", "off", "up");
    run(...prefix, "ip", "addr", "add", `203.0.113.${host}/24`, "dev", device);
    run(...prefix, "ip", "addr", "add", `2001:db8::${host}/64`, "dev", device, "nodad");
  }
}

async function capture(enter: readonly string[], count: number): Promise<Capture> {
  const filter = "(ip host 203.0.113.1 or ip6 host 2001:db8::1) and not icmp and not icmp6";
  const options = [
    "-i",
    "b0",
    "-Q",
    "in",
    "-s",
    "2048",
    "-B",
    "8192",
    "-n",
    "--immediate-mode",
    "-w",
    "-",
    "-c",
    String(count),
  ];
  const witness = Bun.spawn([...enter, "tcpdump", ...options, filter], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const octets = new Response(witness.stdout).bytes();
  // Its last words come at the end, so the pipe stays open until then.
  const words = witness.stderr.getReader();
  let said = "";
  while (!said.includes("listening on")) {
    const { value, done } = await words.read();
    if (done) throw new Error(`tcpdump: ${said}`);
    said += new TextDecoder().decode(value);
  }
  return {
    packets: async () => {
      const file = await octets;
      while (!(await words.read()).done);
      return ipPackets(file);
    },
  };
}

/** The IP packets of a capture file with Ethernet frames (pcap-savefile(5), little-endian). */
function ipPackets(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const packets: Uint8Array[] = [];
  for (let at = PCAP_HEADER_BYTES; at < file.length;) {
    const bytes = view.getUint32(at + 8, true);
    at += PCAP_RECORD_BYTES;
    packets.push(file.slice(at + ETHERNET_BYTES, at + bytes));
    at += bytes;
  }
  return packets;
}
