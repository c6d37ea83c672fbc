// TAP adapters that Windows has, and their other side in the hands of a test.
import { MessagePipe } from "./message-pipe.ts";
import { registryOf, writeTapAdapter } from "./registry.ts";
import { isWine, World } from "./world.ts";

export class TapWorld {
  readonly world: World;
  readonly #pipes = new Map<bigint, MessagePipe>();

  /** With that many adapters: "tap 1", "tap 2"… @param wired as for `World` */
  constructor(count: number, wired = true) {
    this.world = new World(wired);
    const write = registryOf(isWine ? undefined : this.world.path);
    for (let number = 1; number <= count; number++) {
      const guid = `{00000000-0000-0000-0000-0000000000${String(number).padStart(2, "0")}}`;
      writeTapAdapter(write, number, guid, `tap ${number}`);
      const luid = this.world.addTap(number, `tap ${number}`);
      if (isWine) this.#pipes.set(luid, new MessagePipe(`${guid}.tap`));
    }
  }

  /** A frame for the adapter to read. */
  inject(luid: bigint, frame: Uint8Array): void {
    const pipe = this.#pipes.get(luid);
    if (pipe) pipe.write(frame);
    else this.world.inject(luid, frame);
  }

  /** The next frame that the adapter wrote. */
  take(luid: bigint): Uint8Array | undefined {
    const pipe = this.#pipes.get(luid);
    return pipe ? pipe.read() : this.world.take(luid);
  }

  /** After a device was closed: the next one can be opened. */
  reset(luid: bigint): void {
    this.#pipes.get(luid)?.reset();
  }
}
