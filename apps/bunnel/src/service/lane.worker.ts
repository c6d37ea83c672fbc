// A lane's thread: the one place where the Worker's parts are joined.
import { serveLane } from "@bunnel/backend";
import { openTransferredEgress } from "@bunnel/egress";
import { QuicNames } from "@bunnel/engine";
import { openTransferredTap, openTransferredTun } from "@bunnel/tun-linux";

serveLane({
  device: openTransferredTun,
  egress: openTransferredEgress,
  tap: openTransferredTap,
  names: () => new QuicNames(),
});
