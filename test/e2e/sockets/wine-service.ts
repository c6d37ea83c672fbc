// `bunnel up` in the Windows Bun under Wine, in front of the double of Wintun and iphlpapi: `wine-service.ts PROFILE
// STATE_DIR`. Its uplink is another adapter of the double; what comes out of it is carried to a third, whose Linux
// device the test gives to the server. Its sockets are Winsock's.
import { connectDevices } from "@bunnel/bsd/proof";
import { win32Driver } from "@bunnel/tun";
import { openWindowsTun } from "@bunnel/tun-win32";
import { World } from "@bunnel/tun-win32/proof";
import { carryTraffic } from "bunnel/src/commands/up.ts";
import { joinSockets } from "bunnel/src/service/joined.ts";
import { win32Platform } from "bunnel/src/service/platform.win32.ts";
import { CLIENT, GATEWAY } from "./plan.ts";

const [profile = "", stateDir = ""] = process.argv.slice(2);
const { setup } = new World(false);
const driver = win32Driver(setup);
// The double has Linux name its devices, the first ones so: Wine knows interfaces by these names.
const uplink = openWindowsTun({ name: "tun0", addresses: [`${CLIENT[4]}/24`, `${CLIENT[6]}/64`], setup });
const far = openWindowsTun({ name: "tun1", setup });
{
  using network = driver.openNetwork();
  for (const family of [4, 6] as const) network.addRoute({ family, gateway: GATEWAY[family], index: uplink.index });
}
void connectDevices(uplink, far);
console.log(JSON.stringify({ linked: true, platform: process.platform }));
await carryTraffic({ profile, stateDir, offload: true, json: true }, (options) =>
  Promise.resolve(joinSockets(options, (asked) => win32Platform(asked, { driver }))),
);
