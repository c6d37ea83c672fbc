// `bunnel up` as Windows has it, in front of the double of Wintun and iphlpapi, in a network namespace that is given:
// `windows-service.ts PROFILE STATE_DIR SERVER_NAMESPACE`. Its uplink is another adapter of the double; what comes out
// of it is carried to a device of the server. Its sockets are this system's own, for Winsock is not here.
import { connectDevices } from "@bunnel/bsd/proof";
import { win32Driver } from "@bunnel/tun";
import { openLinuxTun } from "@bunnel/tun-linux";
import { openWindowsTun } from "@bunnel/tun-win32";
import { World } from "@bunnel/tun-win32/proof";
import { win32Platform } from "bunnel/src/service/platform.win32.ts";
import { CLIENT } from "./plan.ts";
import { moveToServer, serve } from "./serve.ts";

const { setup } = new World(false);
const driver = win32Driver(setup);
const addresses = [`${CLIENT[4]}/24`, `${CLIENT[6]}/64`];
// The double has Linux name its devices, the first one so: sockets are bound by that name.
const uplink = openWindowsTun({ name: "tun0", addresses, setup });
const far = openLinuxTun({ name: "far0", offload: false });
moveToServer(far.name);
const carried = connectDevices(uplink, far);
await serve(driver, uplink.index, (asked) => win32Platform(asked, { driver, sockets: { platform: "linux" } }));
uplink.close();
far.close();
await carried;
