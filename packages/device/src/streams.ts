// A device as a pair of web streams: for whoever wants to pipe packets through transforms.
import { DeviceError } from "./errors.ts";
import type { PacketPort } from "./packets.ts";

/** Both directions of a device, one packet a chunk. */
export interface PacketStreams {
  /** Ends when the device is closed or deleted. Cancelling it ends a read that is under way. */
  readonly readable: ReadableStream<Uint8Array>;
  /**
   * Takes a packet when the system's queue has room for it. Closing it leaves the device open; aborting it ends a wait
   * for room that is under way.
   */
  readonly writable: WritableStream<Uint8Array>;
}

/** What the standard gives every sink (Streams, section 5.4.2) and the types leave out. */
type Aborted = WritableStreamDefaultController & { readonly signal: AbortSignal };

/** Nothing is read ahead: a packet leaves the device when somebody asks for it. */
export function streamsOf(port: PacketPort): PacketStreams {
  const cancelled = new AbortController();
  const { signal } = cancelled;
  const readable = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          controller.enqueue(await port.read({ signal }));
        } catch (error) {
          if (signal.aborted) return;
          if (!(error instanceof DeviceError) || error.code !== "E_DEVICE_GONE") throw error;
          controller.close();
        }
      },
      cancel: () => cancelled.abort(),
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<Uint8Array>(
    { write: (packet, controller) => port.send(packet, { signal: (controller as Aborted).signal }) },
    { highWaterMark: 1 },
  );
  return { readable, writable };
}
