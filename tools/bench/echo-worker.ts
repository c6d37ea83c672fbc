// Answers every UDP datagram over IPv4 that a TUN device brings, with its ends exchanged, as c/echo.c does.
import type { DeviceHandOver, PacketList } from "@bunnel/device";
import { Engine, type EngineHandOver } from "@bunnel/engine";
import {
  eventOf,
  openPump,
  openTransferredTun,
  portOf,
  type Pump,
  type PumpBackend,
  type PumpSleep,
} from "@bunnel/tun-linux";

export interface EchoStart {
  readonly engine: EngineHandOver;
  readonly device: DeviceHandOver;
  readonly backend: PumpBackend;
  readonly sleep: PumpSleep;
  readonly busyPollUs: number;
}

/** Where packets lie. */
interface Slots {
  readonly rx: PacketList;
  readonly slotPacketBytes: number;
  readonly octets: Uint8Array;
  readonly words: Uint32Array;
}

declare const self: Worker;

const UDP = 17;
const UDP_END = 28;

self.addEventListener("message", ({ data }: MessageEvent<EchoStart>) => {
  const { memory, rings, rx, slotPacketBytes } = Engine.attach(data.engine).lane(0, { plan: false });
  const device = openTransferredTun(data.device);
  const ports = [portOf(device)];
  const { backend, sleep, busyPollUs } = data;
  using pump = openPump({ memory, rings, ports, eventFd: eventOf(device), backend, sleep, busyPollUs });
  const octets = new Uint8Array(memory);
  const words = new Uint32Array(memory);
  self.postMessage("ready");
  const slots = { rx, slotPacketBytes, octets, words };
  for (;;) answer(pump, slots);
});

/** What comes in one call. By itself, so that it is compiled as what is called often, and not as one endless loop. */
function answer(pump: Pump, { rx, slotPacketBytes, octets, words }: Slots): void {
  const count = pump.receive(0, rx, 0, slotPacketBytes, -1);
  let answers = 0;
  for (let i = 0; i < count; i++) {
    const at = rx.at[i] ?? 0;
    const isUdp = octets[at] === 0x45 && octets[at + 9] === UDP && (rx.lengths[i] ?? 0) >= UDP_END;
    // What is no datagram stands in the way of a burst that is written whole; pings bring none.
    if (!isUdp) break;
    turn(words, at);
    answers++;
  }
  pump.write(0, rx, 0, answers);
}

/** The sums of header and datagram do not change when their words change places. */
function turn(words: Uint32Array, at: number): void {
  const word = at >>> 2;
  const source = words[word + 3] ?? 0;
  const ports = words[word + 5] ?? 0;
  words[word + 3] = words[word + 4] ?? 0;
  words[word + 4] = source;
  words[word + 5] = (ports << 16) | (ports >>> 16);
}
