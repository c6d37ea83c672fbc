// What the service manager of Windows and a service say to each other: winsvc.h.
//
//   SERVICE_TABLE_ENTRYW   name 8 | main 8, then one of zeros
//   SERVICE_STATUS         type 4 | state 4 | accepts 4 | error 4 | own code 4 | check point 4 | wait hint 4
//
// The system calls back on threads of its own; what it says is queued for the thread that made the call-backs. None of
// them returns anything, which is why the older of the two handler functions is taken: its handler returns nothing.
// What is handed over is never stored to again.
import { JSCallback } from "bun:ffi";
import { addressOf, library, pointer } from "@bunnel/ffi";

const SERVICE_WIN32_OWN_PROCESS = 0x10;
const SERVICE_ACCEPT_STOP = 1;
const SERVICE_ACCEPT_SHUTDOWN = 4;
const SERVICE_CONTROL_STOP = 1;
const SERVICE_CONTROL_SHUTDOWN = 5;
/** winerror.h: the code is the service's own. */
const ERROR_SERVICE_SPECIFIC_ERROR = 1066;

/** dwCurrentState of SERVICE_STATUS. */
export const ServiceState = { Stopped: 1, StartPending: 2, StopPending: 3, Running: 4 } as const;
export type ServiceStateNumber = (typeof ServiceState)[keyof typeof ServiceState];

const advapi32 = library("advapi32.dll", {
  StartServiceCtrlDispatcherW: { args: ["ptr"], returns: "i32" },
  RegisterServiceCtrlHandlerW: { args: ["ptr", "ptr"], returns: "ptr" },
  SetServiceStatus: { args: ["ptr", "ptr"], returns: "i32" },
});

function wide(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(`${text}\0`, "utf16le"));
}

/**
 * Tells the manager that this process is the service of this name, and returns when the service has stopped: false
 * where no manager started the process. `main` is the address of a call-back of `ServiceCalls`.
 */
export function dispatch(name: string, main: number): boolean {
  const text = wide(name);
  const table = BigUint64Array.of(BigInt(addressOf(text)), BigInt(main), 0n, 0n);
  const told = advapi32().StartServiceCtrlDispatcherW(pointer(addressOf(table))) !== 0;
  // Both are the system's until here.
  return told && text.length > 0 && table.length > 0;
}

/** The call-backs of one service, and what it says of itself. They live as long as the process, or until `close`. */
export class ServiceCalls {
  readonly #handler: JSCallback;
  readonly #main: JSCallback;
  readonly #name: Uint8Array;
  #handle = 0;
  /** What was said last: its address alone would not keep it. */
  #status = new Uint32Array();

  /** `begin` once the manager has started the service; `stop` each time that it asks for its end. */
  constructor(name: string, begin: () => void, stop: () => void) {
    this.#name = wide(name);
    const handle = (control: number): void => {
      if (control === SERVICE_CONTROL_STOP || control === SERVICE_CONTROL_SHUTDOWN) stop();
    };
    this.#handler = new JSCallback(handle, { args: ["u32"], returns: "void", threadsafe: true });
    const main = (): void => {
      const at = this.#handler.ptr;
      const given = advapi32().RegisterServiceCtrlHandlerW(pointer(addressOf(this.#name)), at);
      this.#handle = Number(given);
      begin();
    };
    this.#main = new JSCallback(main, { args: ["u32", "ptr"], returns: "void", threadsafe: true });
  }

  /** Where no manager will ever call: until then they keep the process from ending. */
  close(): void {
    this.#handler.close();
    this.#main.close();
  }

  /** For `dispatch`. */
  get main(): number {
    return Number(this.#main.ptr);
  }

  /** @param code what it ends with; other than 0 the manager counts it as a failure */
  tell(state: ServiceStateNumber, code = 0, waitMs = 0): void {
    if (this.#handle === 0) return;
    const accepts = state === ServiceState.Running ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN : 0;
    const error = code === 0 ? 0 : ERROR_SERVICE_SPECIFIC_ERROR;
    this.#status = Uint32Array.of(SERVICE_WIN32_OWN_PROCESS, state, accepts, error, code, 0, waitMs);
    advapi32().SetServiceStatus(pointer(this.#handle), pointer(addressOf(this.#status)));
  }
}
