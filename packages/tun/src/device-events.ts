// What happens to a device's interface, told as it happens.
import { checkFeature, type SystemDevice, type WaitOptions } from "@bunnel/device";
import type { AddressInfo, LinkInfo, NetworkEventOf } from "@bunnel/tun-linux";
import { driver, type DriverEvents } from "./driver.ts";

/** Something that happened to the interface of a device. */
export type DeviceEvent =
  | { readonly type: "up" }
  | { readonly type: "down" }
  /** The cable is in, or out. */
  | { readonly type: "carrier"; readonly isOn: boolean }
  | { readonly type: "mtu"; readonly mtuBytes: number }
  | { readonly type: "name"; readonly name: string }
  | { readonly type: "mac"; readonly mac: string | undefined }
  | { readonly type: "address"; readonly change: "changed" | "removed"; readonly address: AddressInfo }
  /** The interface was deleted, or moved to another network; nothing comes after it. */
  | { readonly type: "gone" }
  /** More came than could be kept: look again at everything. */
  | { readonly type: "lost" };

/**
 * Events from the call on, until the interface is gone, the loop is left, `return` is called, or the signal is aborted.
 * @throws DeviceError E_UNSUPPORTED naming the platform
 */
export function deviceEvents(
  device: SystemDevice,
  { signal }: WaitOptions = {},
): AsyncGenerator<DeviceEvent, void, undefined> {
  checkFeature(driver().capabilities, "events");
  // Opened here and not in the generator, which runs only when somebody asks: nothing in between is missed.
  const events = driver().watchFrom(device, signal);
  const telling = told(device.index, lookAt(device, events), events, signal);
  const end = telling.return.bind(telling);
  // A generator that nobody has asked yet would end without a look at its `finally`.
  telling.return = (value) => {
    events.close();
    return end(value);
  };
  return telling;
}

/** How the interface is, once nothing that happens to it is missed any more. */
function lookAt(device: SystemDevice, events: Disposable): LinkInfo | undefined {
  try {
    return driver().linkOf(device);
  } catch (error) {
    events[Symbol.dispose]();
    throw error;
  }
}

async function* told(
  index: number,
  found: LinkInfo | undefined,
  events: DriverEvents<"link" | "address">,
  signal: AbortSignal | undefined,
): AsyncGenerator<DeviceEvent, void, undefined> {
  try {
    if (!found) {
      yield { type: "gone" };
      return;
    }
    let before = found;
    for await (const event of events) {
      if (event.type === "lost") {
        yield event;
      } else if (indexOf(event) !== index) {
        continue;
      } else if (event.type === "address") {
        yield event;
      } else if (event.change === "removed") {
        yield { type: "gone" };
        return;
      } else {
        yield* changes(before, event.link);
        before = event.link;
      }
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    events.close();
  }
}

function indexOf(event: Exclude<NetworkEventOf<"link" | "address">, { readonly type: "lost" }>): number {
  return event.type === "link" ? event.link.index : event.address.index;
}

/** What differs. */
function* changes(before: LinkInfo, now: LinkInfo): Generator<DeviceEvent> {
  if (now.name !== before.name) yield { type: "name", name: now.name };
  if (now.mtuBytes !== before.mtuBytes) yield { type: "mtu", mtuBytes: now.mtuBytes };
  if (now.mac !== before.mac) yield { type: "mac", mac: now.mac };
  if (now.up !== before.up) yield { type: now.up ? "up" : "down" };
  if (now.running !== before.running) yield { type: "carrier", isOn: now.running };
}
