// What this driver can do, as data.
import type { DriverCapabilities } from "@bunnel/device";

export const WINDOWS_CAPABILITIES: DriverCapabilities = {
  platform: "win32",
  media: ["ip", "ethernet"],
  options: ["addresses", "attach", "carrier", "exclusive", "ipv6LinkLocal", "medium", "mtuBytes", "name"],
  changes: ["carrier"],
  features: ["events", "vectored"],
};
