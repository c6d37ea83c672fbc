// Holds an interception until it is killed: method, state path, device name, and "closed" for a kill switch.
import { dieWithParent, interceptNft, interceptRules, openLinuxTun } from "../../src/index.ts";

dieWithParent();

const [method, statePath = "", name = "", kind] = process.argv.slice(2);
const device = openLinuxTun({ name, ipv6LinkLocal: "none" });
const options = {
  ...{ deviceName: device.name, deviceIndex: device.index, select: { tls: [], http: [80] } },
  killSwitch: kind === "closed",
};
const intercept = method === "rules" ? interceptRules : interceptNft;
const interception = intercept(options, { statePath });
console.log(JSON.stringify({ swept: interception.swept.removed }));
setInterval(() => interception.uplinks, 60_000);
