// What the running kernel's TUN driver knows. Source: linux/if_tun.h.
import * as sys from "./sys.ts";
import { openDriver } from "./tun-node.ts";
import { readFeatures } from "./tun-requests.ts";

const NAMES = {
  tun: 0x0001,
  tap: 0x0002,
  napi: 0x0010,
  napiFragments: 0x0020,
  noCarrier: 0x0040,
  multiQueue: 0x0100,
  noPacketInformation: 0x1000,
  oneQueue: 0x2000,
  vnetHeader: 0x4000,
  exclusive: 0x8000,
} as const;

/**
 * A flag of the TUN driver (IFF_* of linux/if_tun.h): tun, tap, napi, napiFragments, noCarrier, multiQueue,
 * noPacketInformation, oneQueue, vnetHeader, exclusive.
 */
export type TunFeature = keyof typeof NAMES;

/**
 * Asks the driver, without making an interface; no privilege is needed.
 * @throws DeviceError E_DEVICE_MISSING without the driver, E_DEVICE_DENIED without the right to open it
 */
export function tunFeatures(): ReadonlySet<TunFeature> {
  const fd = openDriver();
  try {
    const bits = readFeatures(fd);
    return new Set((Object.keys(NAMES) as TunFeature[]).filter((name) => (bits & NAMES[name]) !== 0));
  } finally {
    sys.closeFd(fd);
  }
}
