// A lane's thread: the one place where the Worker's parts are joined.
import { serveLane } from "@bunnel/backend";
import { openTransferredEgress } from "@bunnel/egress";
import { openTransferredTun } from "@bunnel/tun-linux";

serveLane({ device: openTransferredTun, egress: openTransferredEgress });
