// Elements in few words. Text is always text: nothing here reads markup.

export type Child = Node | string | undefined | false;
type Attribute = string | boolean | undefined | ((event: Event) => void);

/** An element: attributes as they are written, `on…` as listeners, false and undefined left out. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, Attribute>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

/** Sets a text where it differs, so that nothing is told twice to those who listen. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets a custom property of the style. */
export function setVariable(element: HTMLElement, name: string, value: string): void {
  if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value);
}

/** Keeps one element for each item, in the items' order; those that stay keep their focus. */
export function keyed<Item>(
  parent: HTMLElement,
  items: readonly Item[],
  keyOf: (item: Item) => string,
  make: (item: Item) => HTMLElement,
  fill: (element: HTMLElement, item: Item) => void,
): void {
  const before = new Map([...parent.children].map((child) => [child.getAttribute("data-key"), child as HTMLElement]));
  let place: Element | null = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const element = before.get(key) ?? make(item);
    before.delete(key);
    element.setAttribute("data-key", key);
    fill(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const left of before.values()) left.remove();
}
