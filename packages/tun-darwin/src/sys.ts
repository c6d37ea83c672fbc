// The calls that only macOS has, and not every macOS.
import { cString, library, pointer } from "@bunnel/ffi";

/** `recvmsg_x(fd, struct msghdr_x *, count, flags)`: how many packets came, or -1 and errno. */
export type ReceiveMany = (fd: number, headers: number, count: number, flags: number) => number;

/** Undefined where the library does not have the call. */
export function receiveMany(libraries: readonly string[]): ReceiveMany | undefined {
  try {
    const { recvmsg_x } = library(libraries, {
      recvmsg_x: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
    })();
    return (fd, headers, count, flags) => recvmsg_x(fd, pointer(headers), count, flags);
  } catch {
    return undefined;
  }
}

/** Objects of Core Foundation, by address; 0: none. */
export interface CoreFoundation {
  string(text: string): number;
  /** What a property list in XML says. */
  propertyList(xml: string): number;
  release(object: number): void;
}

/** The system's store of its configuration. SystemConfiguration/SCDynamicStore.h */
export interface DynamicStore {
  open(name: number): number;
  /** Adds a value that goes with the session; false: SCError tells why. */
  addTemporary(store: number, key: number, value: number): boolean;
  remove(store: number, key: number): boolean;
  /** kSCStatus* of the calling thread's last failure. */
  error(): number;
}

/** kCFStringEncodingUTF8 */
const UTF8 = 0x0800_0100;

/** @throws Error where the library is not */
export function coreFoundation(paths: readonly string[]): CoreFoundation {
  const calls = library(paths, {
    CFStringCreateWithCString: { args: ["ptr", "cstring", "u32"], returns: "ptr" },
    CFDataCreate: { args: ["ptr", "ptr", "i64"], returns: "ptr" },
    CFPropertyListCreateWithData: { args: ["ptr", "ptr", "u64", "ptr", "ptr"], returns: "ptr" },
    CFRelease: { args: ["ptr"], returns: "void" },
  })();
  return {
    string: (text) => addressIn(calls.CFStringCreateWithCString(null, cString(text), UTF8)),
    propertyList(xml) {
      const octets = new TextEncoder().encode(xml);
      const data = calls.CFDataCreate(null, octets, octets.length);
      if (data === null) return 0;
      const list = addressIn(calls.CFPropertyListCreateWithData(null, data, 0, null, null));
      calls.CFRelease(data);
      return list;
    },
    release: (object) => calls.CFRelease(pointer(object)),
  };
}

/** @throws Error where the library is not */
export function dynamicStore(paths: readonly string[]): DynamicStore {
  const calls = library(paths, {
    SCDynamicStoreCreate: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "ptr" },
    SCDynamicStoreAddTemporaryValue: { args: ["ptr", "ptr", "ptr"], returns: "u8" },
    SCDynamicStoreRemoveValue: { args: ["ptr", "ptr"], returns: "u8" },
    SCError: { args: [], returns: "i32" },
  })();
  return {
    open: (name) => addressIn(calls.SCDynamicStoreCreate(null, pointer(name), null, null)),
    addTemporary: (store, key, value) =>
      calls.SCDynamicStoreAddTemporaryValue(pointer(store), pointer(key), pointer(value)) !== 0,
    remove: (store, key) => calls.SCDynamicStoreRemoveValue(pointer(store), pointer(key)) !== 0,
    error: () => calls.SCError(),
  };
}

function addressIn(address: unknown): number {
  return address === null ? 0 : Number(address);
}
