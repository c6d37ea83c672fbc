// A daemon for launchd (launchd.plist(5)).
import { upWords, type ServiceCommand, type ServiceManager } from "./definition.ts";

const LABEL = "org.bunnel.daemon";
const PATH = `/Library/LaunchDaemons/${LABEL}.plist`;
const LOG = "/var/log/bunnel.log";

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/gu, (character) => ENTITIES[character] ?? character);
}

function define(command: ServiceCommand): string {
  const words = upWords(command).map((word) => `    <string>${escaped(word)}</string>`);
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${words.join("\n")}
  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardOutPath</key>
  <string>${LOG}</string>
  <key>StandardErrorPath</key>
  <string>${LOG}</string>
</dict>
</plist>
`;
}

export const launchd: ServiceManager = {
  name: "launchd",
  path: PATH,
  define,
  enable: () => [["launchctl", "bootstrap", "system", PATH]],
  disable: [["launchctl", "bootout", `system/${LABEL}`]],
  status: ["launchctl", "print", `system/${LABEL}`],
  logs: ["tail", "-n", "200", LOG],
};
