// What Wine's service manager starts in the place of `bunnel service run`: the same, with the proxy for the carrying
// program, which needs no driver: `wine-service-manager.ts NAME FOLDER PORT`.
import { join } from "node:path";
import { runWindowsService } from "bunnel/src/install/windows-service/run.ts";
import { statePaths } from "bunnel/src/service/state-dir.ts";

const [name = "", folder = "", port = ""] = process.argv.slice(2);
const program = join(import.meta.dirname, "../../../apps/bunnel/src/main.ts");
process.exitCode = await runWindowsService({
  name,
  command: [process.execPath, program, "proxy", "--json", "--listen", `127.0.0.1:${port}`],
  controlPath: statePaths(folder).socket,
  logPath: join(folder, "service.log"),
});
process.exit();
