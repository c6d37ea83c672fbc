// Runs in Bun for Windows: a device whose packets go back, by a loop that blocks as a data-plane thread's does, until a
// datagram to STOP_PORT comes. The last line it prints says how it went.
import { World } from "../world.ts";
import { Reflector } from "../reflector.ts";
import { openWindowsTun } from "../../src/open.ts";

/** The discard port (RFC 863). */
const STOP_PORT = 9;
const UDP = 17;
const DESTINATION_PORT_AT = 22;

const world = new World(false);
const device = openWindowsTun({ name: "wine", addresses: ["192.0.2.1/24", "2001:db8::1/64"], setup: world.setup });
const reflector = new Reflector(device);
console.log("ready");

let isOver = false;
while (!isOver) {
  device.wait(-1);
  const count = reflector.turn();
  for (let i = 0; i < count; i++) isOver ||= isStop(reflector.list.at[i] ?? 0);
}
const { luid } = device;
const [count, written] = [reflector.count, world.written(luid)];
device.close();
console.log(
  JSON.stringify({ platform: process.platform, count, written, held: world.held(), violations: world.violations() }),
);

function isStop(at: number): boolean {
  const { memory } = reflector;
  return memory[at] === 0x45 && memory[at + 9] === UDP && memory[at + DESTINATION_PORT_AT + 1] === STOP_PORT;
}
