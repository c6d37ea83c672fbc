// A lane's thread where everything leaves by sockets: the device's driver alone reads and writes packets.
import { serveLane } from "@bunnel/backend/lane";
import type { DeviceHandOver, TunDevice } from "@bunnel/device";
import { QuicNames } from "@bunnel/engine";
import { driverOf } from "@bunnel/tun";
import { openTransferredOut } from "./device-out.ts";

const openDevice = (handOver: DeviceHandOver): TunDevice => driverOf(handOver.driver).openTransferred(handOver);

serveLane({
  device: (handOver, _lane, pump) => {
    if (pump === "uring") throw new Error("pump: expected auto or plain, found uring, which only Linux has");
    return openDevice(handOver);
  },
  egress: (handOver) => openTransferredOut(handOver, openDevice),
  names: () => new QuicNames(),
});
