// Runs on the arm64 Bun, in a network of its own: opens a device in front of a kernel with Apple's convention, answers
// the system's pings by it, and prints what came of it, as JSON.
import { echoReply } from "@bunnel/bsd/proof";
import { DeviceError, PacketPort } from "@bunnel/device";
import { openDarwinCalls, openDarwinTun } from "../../src/index.ts";
import { DARWIN } from "../../src/system.ts";

const [library = ""] = process.argv.slice(2);
const OPTIONS = { name: "utun7", addresses: ["192.0.2.1/24", "2001:db8::1/64"], mtuBytes: 1400 };
const PINGS = 3;
const PACKETS_MAX = 50;
const WAIT_MS = 5000;

/** The code with which a plain declaration fails. */
function naive(): string {
  try {
    const system = { ...DARWIN, conventions: { arm64: ["plain"] } } as const;
    openDarwinTun(OPTIONS, { libraries: [library], system }).close();
    return "nothing";
  } catch (error) {
    return error instanceof DeviceError ? error.code : String(error);
  }
}

/** Blocks this thread, which the system's ping does not mind. */
async function answered(address: string, port: PacketPort): Promise<number> {
  const ping = Bun.spawn(["ping", "-c", String(PINGS), "-i", "0.05", "-W", "10", address], { stdout: "ignore" });
  let count = 0;
  for (let packets = 0; packets < PACKETS_MAX && count < PINGS; packets++) {
    const reply = echoReply(port.readSync(WAIT_MS) ?? new Uint8Array(0));
    if (reply && port.write(reply)) count++;
  }
  return (await ping.exited) === 0 ? count : 0;
}

const failed = naive();
const device = openDarwinTun(OPTIONS, { libraries: [library] });
const { stdout } = Bun.spawnSync(["ip", "-j", "addr", "show", "dev", device.name]);
const port = new PacketPort(device);
const report = {
  arch: process.arch,
  convention: openDarwinCalls({ libraries: [library] }).convention,
  naive: failed,
  link: (JSON.parse(stdout.toString()) as unknown[])[0],
  ipv4: await answered("192.0.2.77", port),
  ipv6: await answered("2001:db8::77", port),
};
device.close();
console.log(JSON.stringify(report));
process.exit(0);
