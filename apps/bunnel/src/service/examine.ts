// What this machine can do, one finding after the other; nothing is changed by looking.
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { canMakeNftTable } from "@bunnel/tun-linux";
import { missingCapabilities } from "../privileges/capabilities.linux.ts";
import { readUplinks } from "./platform.linux.ts";

export interface Finding {
  readonly name: string;
  readonly state: "ok" | "warning" | "missing";
  /** What was found. */
  readonly found: string;
  /** How to get it, where it is not there. */
  readonly advice?: string;
  /** `bunnel up` cannot do without it. */
  readonly neededByUp: boolean;
}

const BUN_OLDEST = "1.4.5";

export function examine(): Finding[] {
  const findings = [system(), runtime()];
  if (process.platform !== "linux") return findings;
  return [...findings, privileges(), tunDevice(), nftables(), uplinks(), ipv6(), userNamespaces()];
}

function system(): Finding {
  const isLinux = process.platform === "linux";
  return {
    name: "system",
    state: isLinux ? "ok" : "missing",
    found: `${process.platform} ${process.arch}`,
    advice: "packet mode runs on Linux; `bunnel replay` and the simulated demo run everywhere",
    neededByUp: true,
  };
}

function runtime(): Finding {
  const isNew = Bun.semver.order(Bun.version, BUN_OLDEST) >= 0;
  return {
    name: "Bun",
    state: isNew ? "ok" : "warning",
    found: Bun.version,
    advice: `tested with ${BUN_OLDEST} and newer`,
    neededByUp: false,
  };
}

function privileges(): Finding {
  const missing = missingCapabilities(["CAP_NET_ADMIN", "CAP_NET_RAW"]);
  return {
    name: "privileges",
    state: missing.length === 0 ? "ok" : "missing",
    found: missing.length === 0 ? "CAP_NET_ADMIN and CAP_NET_RAW" : `without ${missing.join(" and ")}`,
    advice: "run it as root, for example with sudo",
    neededByUp: true,
  };
}

function tunDevice(): Finding {
  const path = "/dev/net/tun";
  const advice = "load the driver with `modprobe tun`; a container needs --device /dev/net/tun";
  const finding = { name: path, advice, neededByUp: true };
  if (!existsSync(path)) return { ...finding, state: "missing", found: "does not exist" };
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return { ...finding, state: "ok", found: "can be opened" };
  } catch {
    return { ...finding, state: "missing", found: "may not be opened by this user", advice: "run it as root" };
  }
}

function nftables(): Finding {
  const refusal = canMakeNftTable();
  return {
    name: "nftables",
    state: refusal === undefined ? "ok" : "warning",
    found: refusal === undefined ? "the kernel takes our table" : refusal,
    advice: "without it, `--method rules` sends everything through the device, which is slower",
    neededByUp: false,
  };
}

function uplinks(): Finding {
  const { names, mtuBytes } = readUplinks();
  return {
    name: "uplinks",
    state: names.length > 0 ? "ok" : "missing",
    found: names.length > 0 ? `${names.join(", ")} (MTU ${mtuBytes})` : "no interface has a default route",
    advice: "connect to a network first, or name an interface with --uplink",
    neededByUp: true,
  };
}

function ipv6(): Finding {
  const path = "/proc/sys/net/ipv6/conf/all/disable_ipv6";
  const isOn = existsSync(path) && readFileSync(path, "utf8").trim() === "0";
  return { name: "IPv6", state: isOn ? "ok" : "warning", found: isOn ? "on" : "off", neededByUp: false };
}

function userNamespaces(): Finding {
  const path = "/proc/sys/user/max_user_namespaces";
  const most = existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
  return {
    name: "user namespaces",
    state: most > 0 ? "ok" : "warning",
    found: most > 0 ? "allowed" : "not allowed",
    advice: "the demo then needs root for its live level",
    neededByUp: false,
  };
}
