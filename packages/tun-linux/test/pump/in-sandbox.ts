// Opens pumps where io_uring is forbidden and says what came of it, as one line of JSON.
import { openPump, probeUring, type PumpBackend } from "../../src/pump/index.ts";
import { pumpMemory } from "./memory.ts";
import { forbidUring } from "./sys.ts";

const { memory, rings } = pumpMemory(0);

function open(backend?: PumpBackend): string {
  try {
    using pump = openPump({ memory, rings, ports: [], eventFd: -1, ...(backend && { backend }) });
    return `${pump.backend}: ${pump.reason}`;
  } catch (error) {
    return String(error);
  }
}

forbidUring();
console.log(JSON.stringify([open(), open("plain"), open("uring"), probeUring()]));
