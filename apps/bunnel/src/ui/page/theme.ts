// Light or dark: as the system has it, or as it is chosen here.

const KEY = "bunnel-theme";

/** Follows the choice and the system; `changed` is called when the colours are others. */
export function followTheme(select: HTMLSelectElement, changed: () => void): void {
  const apply = (): void => {
    document.documentElement.dataset["theme"] = select.value;
    changed();
  };
  select.value = localStorage.getItem(KEY) ?? "auto";
  select.addEventListener("change", () => {
    localStorage.setItem(KEY, select.value);
    apply();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
  apply();
}
