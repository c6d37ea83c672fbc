// `bunnel up` as macOS has it, in front of the fake kernel, in a network namespace that is given: `darwin-service.ts
// PROFILE STATE_DIR SERVER_NAMESPACE KERNEL SOCKETS`, the last two being the compiled libraries. Its uplinks are feth
// pairs whose other ends are moved to the server.
import { darwinDriver } from "@bunnel/tun";
import { openDarwinTap } from "@bunnel/tun-darwin";
import { library as openLibrary } from "@bunnel/ffi";
import { darwinPrivileges } from "bunnel/src/privileges/darwin/sys.ts";
import { darwinPlatform } from "bunnel/src/service/platform.darwin.ts";
import { CLIENT, OTHER_CLIENT } from "./plan.ts";
import { moveToServer, others, serve } from "./serve.ts";

const [kernel = "", library = ""] = others;
// Loaded into this process, it works in the namespace that this process is in.
const environment = { libraries: [kernel], arch: "x64" as const };
const sockets = { platform: "darwin" as const, libraries: [library] };
const driver = darwinDriver(environment);

const open = (own: typeof CLIENT | typeof OTHER_CLIENT) =>
  openDarwinTap({ addresses: [`${own[4]}/24`, `${own[6]}/64`] }, environment);
using uplink = open(CLIENT);
using other = open(OTHER_CLIENT);
moveToServer(uplink.peer ?? "", "eth0");
moveToServer(other.peer ?? "", "eth1");
const links = [uplink.index, other.index] as const;
const privileges = darwinPrivileges([kernel]);
const { kernel_privilege: privilege } = openLibrary(kernel, { kernel_privilege: { args: ["i32"], returns: "void" } })();
await serve(driver, links, (asked) => darwinPlatform(asked, { driver, sockets, privileges }), {
  act: (isRoot) => privilege(isRoot ? 1 : 0),
});
