// The adapters of tap-windows6 that Windows has, found by the registry. Its driver has the hardware id tap0901.
import { TAP_ADAPTER_KEY, TAP_CONNECTION_KEY } from "./constants.ts";
import { luidOf } from "./luid.ts";
import { RegistryKey } from "./registry.ts";
import type { WindowsSystem } from "./sys.ts";

const COMPONENTS: ReadonlySet<string> = new Set(["tap0901", "root\\tap0901"]);

export interface TapAdapter {
  /** As the registry has it, with braces: it is part of the adapter's path. */
  readonly guid: string;
  /** The name that people see. */
  readonly name: string;
  readonly luid: bigint;
}

/** All of them, in the order of the registry. */
export function tapAdapters(system: WindowsSystem): TapAdapter[] {
  using folder = RegistryKey.open(system, TAP_ADAPTER_KEY);
  if (!folder) return [];
  return folder.keys().flatMap((name) => adapterAt(system, `${TAP_ADAPTER_KEY}\\${name}`) ?? []);
}

function adapterAt(system: WindowsSystem, path: string): TapAdapter | undefined {
  using key = RegistryKey.open(system, path);
  const component = key?.text("ComponentId")?.toLowerCase();
  if (!key || component === undefined || !COMPONENTS.has(component)) return undefined;
  const guid = key.text("NetCfgInstanceId");
  const [type, index] = [key.number("*IfType"), key.number("NetLuidIndex")];
  if (guid === undefined || type === undefined || index === undefined) return undefined;
  return { guid, name: nameOf(system, guid) ?? guid, luid: luidOf(type, index) };
}

function nameOf(system: WindowsSystem, guid: string): string | undefined {
  using key = RegistryKey.open(system, `${TAP_CONNECTION_KEY}\\${guid}\\Connection`);
  return key?.text("Name");
}
