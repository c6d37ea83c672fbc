// Which libraries the driver calls: those of Windows, or others of the same shape that a caller names.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DeviceError } from "@bunnel/device";

export type WindowsArchitecture = "x64" | "arm64";

/** Paths of libraries. What is a bare name, Windows looks for in its own folder. */
export interface WindowsLibraries {
  readonly kernel32: string;
  /** The one that has DeviceIoControl. */
  readonly deviceControl: string;
  readonly iphlpapi: string;
  readonly advapi32: string;
  readonly dnsapi: string;
  /** Wintun's. Empty: it is looked for, see `findWintun`. */
  readonly wintun: string;
}

/** What the driver stands on. It can be cloned to another thread. */
export interface WindowsSetup {
  readonly libraries: WindowsLibraries;
  /** Decides how a GUID is passed by value: by address on x64, in two registers on arm64. */
  readonly architecture: WindowsArchitecture;
  /** What stands before and behind the GUID in the path of a TAP adapter. */
  readonly tapPrefix: string;
  readonly tapSuffix: string;
}

export type WindowsSetupOptions = Partial<Omit<WindowsSetup, "libraries">> & {
  readonly libraries?: Partial<WindowsLibraries>;
};

const LIBRARIES: WindowsLibraries = {
  kernel32: "kernel32.dll",
  deviceControl: "kernel32.dll",
  iphlpapi: "iphlpapi.dll",
  advapi32: "advapi32.dll",
  dnsapi: "dnsapi.dll",
  wintun: "",
};

/** tap-windows.h */
const TAP_PREFIX = "\\\\.\\Global\\";
const TAP_SUFFIX = ".tap";

/** The real system, where nothing else is said. Opens nothing. */
export function windowsSetup(options: WindowsSetupOptions = {}): WindowsSetup {
  const { libraries, architecture, tapPrefix = TAP_PREFIX, tapSuffix = TAP_SUFFIX } = options;
  const own: WindowsArchitecture = process.arch === "arm64" ? "arm64" : "x64";
  return { libraries: { ...LIBRARIES, ...libraries }, architecture: architecture ?? own, tapPrefix, tapSuffix };
}

const WINTUN_FILE = "wintun.dll";
const WHERE_TO_GET = "https://www.wintun.net";
/** IMAGE_FILE_MACHINE_* of winnt.h. */
const MACHINES: Readonly<Record<number, string>> = { 0x014c: "x86", 0x01c4: "arm", 0x8664: "x64", 0xaa64: "arm64" };
/** winnt.h IMAGE_DOS_HEADER: "MZ", and where the PE header stands. */
const MZ = 0x5a4d;
const PE_AT = 0x3c;
const PE = 0x00004550;

/**
 * Wintun's DLL: the one that the setup names, or `wintun.dll` in the first of these that has it: the given folders,
 * the folder of the program, the working folder; in each also below `bin/<amd64 or arm64>`, as its archive unpacks.
 * @throws DeviceError E_DEVICE_MISSING that says where it was looked for and where to get it, or that the DLL found is
 * none, or one for other processors
 */
export function findWintun(setup: WindowsSetup, folders: readonly string[] = []): string {
  const { wintun } = setup.libraries;
  const looked = wintun === "" ? placesOf(setup.architecture, folders) : [wintun];
  const path = looked.find((place) => existsSync(place));
  if (path === undefined) {
    const advice = `get it from ${WHERE_TO_GET} and put the one for ${setup.architecture} beside the program`;
    throw new DeviceError("E_DEVICE_MISSING", `${WINTUN_FILE}: expected in ${looked.join(", ")}; ${advice}`);
  }
  if (path.toLowerCase().endsWith(".dll")) mustFit(path, setup.architecture);
  return path;
}

function placesOf(architecture: WindowsArchitecture, folders: readonly string[]): string[] {
  const below = join("bin", architecture === "x64" ? "amd64" : "arm64");
  return [...folders, dirname(process.execPath), "."].flatMap((folder) => [
    resolve(folder, WINTUN_FILE),
    resolve(folder, below, WINTUN_FILE),
  ]);
}

/** Windows itself says no more than "not a valid Win32 application". */
function mustFit(path: string, architecture: WindowsArchitecture): void {
  const file = readFileSync(path);
  const peAt = file.length >= PE_AT + 4 && file.readUInt16LE(0) === MZ ? file.readUInt32LE(PE_AT) : file.length;
  if (peAt + 6 > file.length || file.readUInt32LE(peAt) !== PE) {
    throw new DeviceError("E_DEVICE_MISSING", `${path}: expected a DLL for ${architecture}, found no DLL`);
  }
  const machine = file.readUInt16LE(peAt + 4);
  const found = MACHINES[machine] ?? `processor 0x${machine.toString(16)}`;
  if (found !== architecture) {
    throw new DeviceError("E_DEVICE_MISSING", `${path}: expected a DLL for ${architecture}, found one for ${found}`);
  }
}
