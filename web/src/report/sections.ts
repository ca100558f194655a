// The frame of a section, and what several of them use.

import { h, visible } from "../shared/dom";
import { strings } from "../shared/strings";

/** A section with its heading; it has a place in the contents. */
export function section(id: string, title: string, ...children: (Node | false | null)[]): HTMLElement {
  return h(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    h("h2", { id: `${id}-title` }, title),
    ...children,
  );
}

/** Charts beside each other, where there is room. */
export function pair(...charts: Node[]): HTMLElement {
  return h("div", { class: "pair" }, ...charts);
}

/** `connection/name`, the connection in a quieter tone. */
export function nameOf(row: { connection?: string; name: string }): HTMLElement {
  const connection = row.connection ? h("span", { class: "quiet" }, `${visible(row.connection)}/`) : null;
  return h("span", { class: "name", dir: "auto" }, connection, visible(row.name));
}

export const fullName = (row: { connection?: string; name: string }): string =>
  visible(row.connection ? `${row.connection}/${row.name}` : row.name);

/** What a kind of failure is called. */
export const kindName = (kind: string): string => strings().errors.kinds[kind] ?? kind.replaceAll("_", " ");

/** `3 timeout, 1 reset`. */
export function counted(counts: Record<string, number>, name: (kind: string) => string): string {
  return Object.entries(counts)
    .sort((a, b) => b[1] - a[1])
    .map(([kind, count]) => `${count} ${name(kind)}`)
    .join(", ");
}
