// Answers every UDP datagram over IPv4 that a TUN device brings, with its ends exchanged, as c/echo.c does.
import type { DeviceHandOver } from "@bunnel/device";
import { Engine, type EngineHandOver } from "@bunnel/engine";
import { eventOf, openPump, openTransferredTun, portOf, type PumpBackend } from "@bunnel/tun-linux";

export interface EchoStart {
  readonly engine: EngineHandOver;
  readonly device: DeviceHandOver;
  readonly backend: PumpBackend;
}

declare const self: Worker;

const UDP = 17;
const UDP_END = 28;

self.addEventListener("message", ({ data }: MessageEvent<EchoStart>) => {
  const { memory, rings, rx, slotPacketBytes } = Engine.attach(data.engine).lane(0, { plan: false });
  const device = openTransferredTun(data.device);
  const ports = [portOf(device)];
  using pump = openPump({ memory, rings, ports, eventFd: eventOf(device), backend: data.backend });
  const octets = new Uint8Array(memory);
  self.postMessage("ready");
  for (;;) {
    const count = pump.read(0, rx, 0, slotPacketBytes);
    if (count === 0) {
      pump.wait(-1);
      continue;
    }
    let answers = 0;
    for (let i = 0; i < count; i++) {
      const at = rx.at[i] ?? 0;
      const isUdp = octets[at] === 0x45 && octets[at + 9] === UDP && (rx.lengths[i] ?? 0) >= UDP_END;
      // What is no datagram stands in the way of a burst that is written whole; pings bring none.
      if (!isUdp) break;
      turn(octets, at);
      answers++;
    }
    pump.write(0, rx, 0, answers);
  }
});

/** The sums of header and datagram do not change when their words change places. */
function turn(octets: Uint8Array, at: number): void {
  exchange(octets, at + 12, at + 16, 4);
  exchange(octets, at + 20, at + 22, 2);
}

function exchange(octets: Uint8Array, a: number, b: number, bytes: number): void {
  for (let i = 0; i < bytes; i++) {
    const octet = octets[a + i] ?? 0;
    octets[a + i] = octets[b + i] ?? 0;
    octets[b + i] = octet;
  }
}
