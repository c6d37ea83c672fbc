// `bunnel up` as Windows has it, in front of the double of Wintun and iphlpapi, in a network namespace that is given:
// `windows-service.ts PROFILE STATE_DIR SERVER_NAMESPACE`. Its uplinks are other adapters of the double; what comes
// out of them is carried to devices of the server. Its sockets are this system's own, for Winsock is not here.
import { connectDevices } from "@bunnel/bsd/proof";
import { win32Driver } from "@bunnel/tun";
import { openLinuxTun } from "@bunnel/tun-linux";
import { openWindowsTun } from "@bunnel/tun-win32";
import { World } from "@bunnel/tun-win32/proof";
import { win32Platform } from "bunnel/src/service/platform.win32.ts";
import { CLIENT, OTHER_CLIENT } from "./plan.ts";
import { moveToServer, serve } from "./serve.ts";

const { setup } = new World(false);
const driver = win32Driver(setup);
const open = (name: string, own: typeof CLIENT | typeof OTHER_CLIENT) =>
  openWindowsTun({ name, addresses: [`${own[4]}/24`, `${own[6]}/64`], setup });
// The double has Linux name its devices, the first ones so: sockets are bound by these names.
const uplinks = [open("tun0", CLIENT), open("tun1", OTHER_CLIENT)] as const;
const ends = ["far0", "far1"].map((name) => openLinuxTun({ name, offload: false }));
const carried = ends.map((end, i) => {
  moveToServer(end.name, i === 0 ? "eth0" : "eth1");
  return connectDevices(uplinks[i] ?? uplinks[0], end);
});
const links = [uplinks[0].index, uplinks[1].index] as const;
await serve(driver, links, (asked) => win32Platform(asked, { driver, sockets: { platform: "linux" } }));
for (const device of [...uplinks, ...ends]) device.close();
await Promise.all(carried);
