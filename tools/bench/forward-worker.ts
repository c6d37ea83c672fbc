// One direction of our forwarder: the product's own lane, from one device into the other, each through a pump. What the
// other device takes merged is merged.
import { serveLane, type PumpChoice } from "@bunnel/backend";
import { DeviceEgress } from "@bunnel/egress";
import type { Lane } from "@bunnel/engine";
import { openPumpedTun, type PumpPlace } from "@bunnel/tun-linux";

serveLane({
  device: (handOver, lane, pump) => openPumpedTun(handOver, placeOf(lane, pump, 0)),
  egress: (handOver, lane, pump) => {
    const device = openPumpedTun({ ...handOver, driver: String(handOver["driver"]) }, placeOf(lane, pump, 1), lane);
    return new DeviceEgress(device, true);
  },
});

/** The lane's range for rings has room for those of two pumps. */
function placeOf({ memory, rings }: Lane, pump: PumpChoice, half: number): PumpPlace {
  const bytes = rings.bytes / 2;
  return { memory, rings: { at: rings.at + half * bytes, bytes }, ...(pump !== "auto" && { backend: pump }) };
}
