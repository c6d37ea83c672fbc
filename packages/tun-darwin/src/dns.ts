// The name servers of an interface, in the system's own store of its configuration, from which its resolver takes them.
// They are a value of our session there: it goes when they are restored, and when the process ends, by whatever cause.
// Source: SystemConfiguration/SCDynamicStore.h, SCSchemaDefinitions.h.
import { parseAddress, formatAddress } from "@bunnel/bsd";
import { DeviceError, type DeviceErrorCode } from "@bunnel/device";
import { coreFoundation, dynamicStore, type CoreFoundation, type DynamicStore } from "./sys.ts";

const FRAMEWORKS = "/System/Library/Frameworks";
const CORE_FOUNDATION = [`${FRAMEWORKS}/CoreFoundation.framework/CoreFoundation`];
const SYSTEM_CONFIGURATION = [`${FRAMEWORKS}/SystemConfiguration.framework/SystemConfiguration`];

/** Servers of an interface, and the names that are asked at them. */
export interface DarwinDns {
  /** Addresses of name servers, best first. */
  readonly servers: readonly string[];
  /** Single words are looked for in these. Default: none. */
  readonly searchDomains?: readonly string[];
  /** Names below these are asked here; "": all names. Default: all. */
  readonly matchDomains?: readonly string[];
}

/** Where the two libraries lie; for tests. */
export interface DarwinDnsEnvironment {
  readonly coreFoundation?: readonly string[];
  readonly systemConfiguration?: readonly string[];
}

/** kSCStatusAccessError, kSCStatusNoKey, kSCStatusKeyExists of SystemConfiguration/SystemConfiguration.h */
const CODES: Readonly<Record<number, DeviceErrorCode>> = {
  1003: "E_DEVICE_DENIED",
  1004: "E_DEVICE_MISSING",
  1005: "E_DEVICE_BUSY",
};

/**
 * Has names asked at the servers until `restore`, `using` or the end of the process.
 * @throws DeviceError E_DEVICE_OPTION for texts that cannot be read, E_DEVICE_BUSY while somebody holds those of the
 * interface, E_DEVICE_DENIED without the right, E_DEVICE_MISSING without the libraries
 */
export function setDarwinDns(interfaceName: string, dns: DarwinDns, environment?: DarwinDnsEnvironment): DarwinDnsHold {
  const value = dnsPropertyList(interfaceName, dns);
  const hold = new DarwinDnsHold(interfaceName, openLibraries(environment));
  try {
    hold.put(value);
    return hold;
  } catch (error) {
    hold.restore();
    throw error;
  }
}

/** Name servers that were set. */
export class DarwinDnsHold implements Disposable {
  readonly #cf: CoreFoundation;
  readonly #sc: DynamicStore;
  readonly #name: string;
  /** A session, and the key of the value in it; 0: it is over. */
  #store: number;
  readonly #key: number;
  #isSet = false;

  constructor(interfaceName: string, { cf, sc }: Libraries) {
    this.#cf = cf;
    this.#sc = sc;
    this.#name = interfaceName;
    const name = cf.string("bunnel");
    this.#store = sc.open(name);
    cf.release(name);
    this.#key = cf.string(`State:/Network/Service/bunnel-${interfaceName}/DNS`);
    if (this.#store !== 0) return;
    cf.release(this.#key);
    throw this.#failure("opening the system's configuration");
  }

  /** Other servers and domains in the place of those that are set. Errors as for `setDarwinDns`. */
  change(dns: DarwinDns): void {
    const value = dnsPropertyList(this.#name, dns);
    if (this.#store === 0) {
      throw new DeviceError("E_DEVICE_STATE", `dns of ${this.#name}: expected it held, found it restored`);
    }
    if (this.#isSet && !this.#sc.remove(this.#store, this.#key)) throw this.#failure("changing the name servers");
    this.#isSet = false;
    this.put(value);
  }

  /** Puts a value where none is. */
  put(xml: string): void {
    const value = this.#cf.propertyList(xml);
    if (value === 0)
      throw new DeviceError("E_DEVICE_SYSTEM", `dns of ${this.#name}: expected a property list, found none`);
    this.#isSet = this.#sc.addTemporary(this.#store, this.#key, value);
    // The status is the thread's last one: it is asked for before anything else is done.
    const failure = this.#isSet ? undefined : this.#failure("setting the name servers");
    this.#cf.release(value);
    if (failure) throw failure;
  }

  /** Takes them away. A second call does nothing. False: they had gone already. */
  restore(): boolean {
    if (this.#store === 0) return false;
    const wasSet = this.#isSet && this.#sc.remove(this.#store, this.#key);
    this.#cf.release(this.#key);
    this.#cf.release(this.#store);
    this.#store = 0;
    return wasSet;
  }

  [Symbol.dispose](): void {
    this.restore();
  }

  #failure(doing: string): DeviceError {
    const status = this.#sc.error();
    const code = CODES[status] ?? "E_DEVICE_SYSTEM";
    const hint = code === "E_DEVICE_DENIED" ? ": needs root" : "";
    return new DeviceError(code, `${doing} of ${this.#name} failed with status ${status}${hint}`, status);
  }
}

/**
 * The value as a property list in XML (plist(5)).
 * @throws DeviceError E_DEVICE_OPTION
 */
export function dnsPropertyList(interfaceName: string, dns: DarwinDns): string {
  const { servers, searchDomains = [], matchDomains = [""] } = dns;
  if (servers.length === 0) throw new DeviceError("E_DEVICE_OPTION", "dns: expected at least one server, found none");
  const parts = [
    `<key>InterfaceName</key>${textOf(interfaceName)}`,
    `<key>ServerAddresses</key>${listOf(servers.map((text) => formatAddress(parseAddress(text))))}`,
    ...(searchDomains.length === 0 ? [] : [`<key>SearchDomains</key>${listOf(searchDomains.map(domain))}`]),
    `<key>SupplementalMatchDomains</key>${listOf(matchDomains.map((name) => (name === "" ? "" : domain(name))))}`,
  ];
  const dictionary = `<dict>${parts.join("")}</dict>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0">${dictionary}</plist>\n`;
}

function domain(name: string): string {
  if (/^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?$/i.test(name) && !name.includes("..")) return name;
  throw new DeviceError("E_DEVICE_OPTION", `dns domain: expected a name, found "${name}"`);
}

function listOf(texts: readonly string[]): string {
  return `<array>${texts.map(textOf).join("")}</array>`;
}

function textOf(text: string): string {
  return `<string>${Bun.escapeHTML(text)}</string>`;
}

interface Libraries {
  readonly cf: CoreFoundation;
  readonly sc: DynamicStore;
}

function openLibraries({ coreFoundation: cf, systemConfiguration: sc }: DarwinDnsEnvironment = {}): Libraries {
  try {
    return { cf: coreFoundation(cf ?? CORE_FOUNDATION), sc: dynamicStore(sc ?? SYSTEM_CONFIGURATION) };
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new DeviceError("E_DEVICE_MISSING", `system configuration: ${text}`, 0, { cause });
  }
}
