// The first lane's thread, started before it is needed: it loads its code on another core while the service reads its
// profile and asks the system for its network.
let spare: Worker | undefined;

const start = (): Worker => new Worker(new URL("./lane.worker.ts", import.meta.url).href);

/** Starts one ahead. It keeps nothing alive, and one that fails is forgotten. */
export function startSpareLane(): void {
  if (spare !== undefined) return;
  const worker = start();
  worker.unref();
  worker.addEventListener("error", () => {
    if (spare === worker) spare = undefined;
  });
  spare = worker;
}

/** The one that was started ahead, or another. */
export function laneThread(): Worker {
  const worker = spare ?? start();
  spare = undefined;
  worker.ref();
  return worker;
}
