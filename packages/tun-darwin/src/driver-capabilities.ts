// What this driver can do, as data.
import type { DriverCapabilities } from "@bunnel/device";

export const DARWIN_CAPABILITIES: DriverCapabilities = {
  platform: "darwin",
  media: ["ip", "ethernet"],
  options: ["addresses", "deleteOnClose", "mac", "medium", "mtuBytes", "name", "persistent", "up"],
  changes: ["deleteOnClose", "mac", "persistent"],
  features: ["descriptors", "events", "vectored"],
};
