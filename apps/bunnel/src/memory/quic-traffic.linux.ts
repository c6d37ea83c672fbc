// What servers answer over QUIC, for the watcher: two taps, one for the few datagrams of handshakes, one for what comes
// behind them. The second is small: while more comes than it holds, it hears only the connections that are watched.
import { openQuicTap, type QuicTap, type QuicWanted } from "@bunnel/tun-linux";
import { quicPort, readAnswer } from "./read-quic.ts";
import { TapReader } from "./tap-reader.ts";
import type { QuicSeen } from "./watch/seen.ts";

/** Some four hundred datagrams between two looks, by the kernel's own count. */
const HANDSHAKE_BUFFER_BYTES = 512 * 1024;
/** Some hundred. */
const DATA_BUFFER_BYTES = 128 * 1024;
/** Datagrams of a tap that are read in one look. */
const READ_MAX = 512;
/** For so many looks, five seconds, it is not asked again whether less comes. */
const BUSY_LOOKS = 25;

export class QuicTraffic implements Disposable {
  readonly #handshakes: Listening;
  readonly #data: Listening;
  #busyLooks = 0;
  #wanted: QuicWanted = "data";
  #hears = false;

  /** It hears nothing yet. @throws DeviceError */
  constructor(forwarded: boolean) {
    this.#handshakes = new Listening(
      openQuicTap("handshakes", { forwarded, receiveBufferBytes: HANDSHAKE_BUFFER_BYTES }),
    );
    this.#data = new Listening(openQuicTap("data", { forwarded, receiveBufferBytes: DATA_BUFFER_BYTES }));
  }

  /** Whether anything is heard from now on: each tap looks at whatever arrives, and that takes its time. */
  hear(on: boolean): void {
    if (on === this.#hears) return;
    this.#hears = on;
    for (const { tap } of [this.#handshakes, this.#data]) tap.listen(on);
  }

  /** What came since the last call; of which nothing can be concluded where some of it was lost. */
  arrived(): QuicSeen[] {
    if (!this.#hears) return [];
    const handshakes = this.#handshakes.read();
    const data = this.#data.read();
    this.#busyLooks = data.isAll ? Math.max(0, this.#busyLooks - 1) : BUSY_LOOKS;
    const seen = [...handshakes.packets, ...data.packets].flatMap((packet) => readAnswer(packet) ?? []);
    return handshakes.isAll ? seen : [...seen, { seen: "unheard", flow: "" }];
  }

  /** These connections are watched from now on. */
  follow(flows: readonly string[]): void {
    const wanted = this.#busyLooks === 0 ? "data" : flows.map(quicPort);
    if (String(wanted) === String(this.#wanted)) return;
    this.#data.tap.follow(wanted);
    this.#wanted = wanted;
  }

  [Symbol.dispose](): void {
    this.#handshakes.tap.close();
    this.#data.tap.close();
  }
}

/** A tap, and whether it lost something. */
class Listening {
  readonly #reader: TapReader;
  #dropped = 0;

  constructor(readonly tap: QuicTap) {
    this.#reader = new TapReader(tap);
  }

  read(): { readonly packets: Uint8Array[]; readonly isAll: boolean } {
    const packets = this.#reader.read(READ_MAX);
    const { dropped } = this.tap;
    const isAll = dropped === this.#dropped && packets.length < READ_MAX;
    this.#dropped = dropped;
    return { packets, isAll };
  }
}
