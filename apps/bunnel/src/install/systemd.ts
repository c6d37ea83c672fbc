// A unit for systemd (systemd.service(5), systemd.exec(5)): no root at any time, two capabilities, and of the machine
// only what carrying packets needs.
import { upWords, type ServiceCommand, type ServiceManager } from "./definition.ts";

const UNIT = "bunnel.service";

/** A word of a command line as systemd reads it back (systemd.service(5), COMMAND LINES). */
function quoted(word: string): string {
  const plain = word.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w@%+=:,./$-]+$/u.test(plain) ? plain : `"${plain}"`;
}

function line(words: readonly string[]): string {
  return words.map(quoted).join(" ");
}

const TUNABLES_CLOSED = "ProtectKernelTunables=yes";
const TUNABLES_OPEN = `# Without nftables the reverse-path filter must be loosened, which is such a setting.
ProtectKernelTunables=no`;

const WATCHED = `NotifyAccess=main
# It gives a sign every other second while all its threads turn; without one it is ended, and starts anew.
WatchdogSec=20
# It may hang in whatever way: nothing softer is sure, and the network is as before at once.
WatchdogSignal=SIGKILL`;

const RESTART = `Restart=on-failure
RestartSec=2
# A profile that is wrong stays wrong.
RestartPreventExitStatus=2`;

const DESCRIPTORS = `# Two for each connection that sockets carry on, one for each of their UDP sockets.
LimitNOFILE=131072`;

const CAPABILITIES = "CAP_NET_ADMIN CAP_NET_RAW";

/** Without nftables. */
function isRules({ words }: ServiceCommand): boolean {
  return words.some((word, i) => word === "--method=rules" || (word === "--method" && words[i + 1] === "rules"));
}

function define(command: ServiceCommand): string {
  const { program } = command;
  const [capabilities, calls] = command.bpf === true ? [`${CAPABILITIES} CAP_BPF`, " bpf"] : [CAPABILITIES, ""];
  return `[Unit]
Description=bunnel carries this machine's traffic past deep packet inspection
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
${WATCHED}
ExecStart=${line([...upWords(command), "--state-dir", "/run/bunnel"])}
ExecReload=${line([...program, "reload", "--state-dir", "/run/bunnel"])}
ExecStopPost=${line([...program, "down", "--unless-crashed", "--state-dir", "/run/bunnel"])}
${RESTART}

# A user of its own that exists while the service runs, with what devices, rules and raw sockets need.
DynamicUser=yes
RuntimeDirectory=bunnel
RuntimeDirectoryMode=0700
StateDirectory=bunnel
StateDirectoryMode=0700
AmbientCapabilities=${capabilities}
CapabilityBoundingSet=${capabilities}
NoNewPrivileges=yes
UMask=0077
${DESCRIPTORS}

# Of the machine, only what carrying packets needs.
DevicePolicy=closed
DeviceAllow=/dev/net/tun rw
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
ProtectProc=invisible
${isRules(command) ? TUNABLES_OPEN : TUNABLES_CLOSED}
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallFilter=seccomp capset setpriority sched_setaffinity${calls}
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

export const systemd: ServiceManager = {
  name: "systemd",
  path: `/etc/systemd/system/${UNIT}`,
  define,
  enable: () => [
    ["systemctl", "daemon-reload"],
    ["systemctl", "enable", "--now", UNIT],
  ],
  disable: [
    ["systemctl", "disable", "--now", UNIT],
    ["systemctl", "daemon-reload"],
  ],
  status: ["systemctl", "status", "--no-pager", UNIT],
  logs: ["journalctl", "--no-pager", "--unit", UNIT, "--lines", "200"],
};
