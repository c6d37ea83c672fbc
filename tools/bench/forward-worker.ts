// One direction of our forwarder: the product's own lane loop, from one device into the other.
import { serveLane } from "@bunnel/backend";
import { DeviceEgress } from "@bunnel/egress";
import { openTransferredTun } from "@bunnel/tun-linux";

serveLane({
  device: openTransferredTun,
  egress: (handOver) => new DeviceEgress(openTransferredTun({ ...handOver, driver: String(handOver["driver"]) }), true),
});
