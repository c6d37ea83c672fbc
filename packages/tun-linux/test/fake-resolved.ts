// A double of systemd-resolved on a private bus: it takes the calls of a link's settings, refuses as the original does,
// and writes each call as a line of JSON before it answers. `bun fake-resolved.ts <bus socket> <file> [old]`; "old": it
// knows no default routes.
import { appendFileSync } from "node:fs";
import { createClient, DBusError } from "dbus-native";

const MANAGER = "org.freedesktop.resolve1.Manager";
const [, , socket = "", callsPath = "", age = ""] = process.argv;

/** Indices for which the original would answer with an error. */
const REFUSALS: Readonly<Record<number, string>> = {
  4711: "org.freedesktop.resolve1.NoSuchLink",
  4712: "org.freedesktop.resolve1.LinkBusy",
  4713: "org.freedesktop.DBus.Error.AccessDenied",
};

function take(member: string, index: number, ...rest: unknown[]): void {
  appendFileSync(callsPath, `${JSON.stringify([member, index, ...rest])}\n`);
  const name = REFUSALS[index];
  if (name === undefined || member === "RevertLink") return;
  throw Object.assign(new DBusError(`link ${index} is refused`), { dbusName: name });
}

const bus = createClient({ socket, fdTransport: false });
const methods = {
  SetLinkDNS: (index: number, servers: [number, Uint8Array][]) =>
    take(
      "SetLinkDNS",
      index,
      servers.map(([family, octets]) => [family, [...octets]]),
    ),
  SetLinkDomains: (index: number, domains: unknown) => take("SetLinkDomains", index, domains),
  RevertLink: (index: number) => take("RevertLink", index),
  ...(age === "old"
    ? {}
    : { SetLinkDefaultRoute: (index: number, isDefault: unknown) => take("SetLinkDefaultRoute", index, isDefault) }),
};
bus.exportInterface(methods, "/org/freedesktop/resolve1", {
  name: MANAGER,
  methods: {
    SetLinkDNS: ["ia(iay)", "", ["index", "servers"], []],
    SetLinkDomains: ["ia(sb)", "", ["index", "domains"], []],
    ...(age === "old" ? {} : { SetLinkDefaultRoute: ["ib", "", ["index", "enable"], []] }),
    RevertLink: ["i", "", ["index"], []],
  },
});
await bus.requestName("org.freedesktop.resolve1", 0);
console.log("ready");
