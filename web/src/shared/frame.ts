// The frame of a page: sections, names, tiles, facts.

import { h, visible } from "./dom";
import { strings } from "./strings";

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
  // A name may be empty, and its row must be seen all the same.
  return h("span", { class: "name", dir: "auto" }, connection, visible(row.name) || '""');
}

export const fullName = (row: { connection?: string; name: string }): string =>
  visible(row.connection ? `${row.connection}/${row.name}` : row.name);

/** One of the few most important figures. */
export function tile(name: string, value: string, more: string, bad = false): HTMLElement {
  return h(
    "div",
    { class: bad ? "tile bad" : "tile" },
    h("div", { class: "tile-name" }, name),
    h("div", { class: "tile-value num" }, value),
    h("div", { class: "tile-more", title: more }, more),
  );
}

/** What is known beside the figures; what is not known is left out. */
export function factList(facts: [string, string | null | undefined][]): HTMLElement {
  const known = facts.filter(([, value]) => value);
  const items = known.map(([name, value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, visible(value ?? ""))),
  );
  return h("dl", { class: "facts" }, ...items);
}

/** A moment, in seconds since 1970, as the reader's calendar and clock have it. */
export function moment(seconds: number): string {
  const format = new Intl.DateTimeFormat(strings().locale, { dateStyle: "medium", timeStyle: "long" });
  return format.format(new Date(seconds * 1000));
}
