// Tables that sort by a click on a head, filter by name, and open a row for more.

import { forgetChartsIn } from "./chart";
import { h } from "./dom";
import { strings } from "./strings";

type Value = number | string | null | undefined;

export interface Column<R> {
  title: string;
  /** What the figure means, in a few words. */
  help?: string;
  /** What rows are sorted by. */
  value: (row: R) => Value;
  /** What is shown; without it the value. */
  show?: (row: R) => Node | string | null;
  text?: boolean;
  /** Says when a cell needs attention. */
  bad?: (row: R) => boolean;
}

export interface TableSpec<R> {
  caption: string;
  columns: Column<R>[];
  rows: R[];
  /** What the filter looks at; without it there is no filter. */
  name?: (row: R) => string;
  /** What an open row shows. */
  detail?: (row: R) => Node;
  /** Which rows have failures, for the switch that shows only them. */
  failed?: (row: R) => boolean;
  /** The column sorted by at first, the largest first. */
  sort?: number;
  empty: string;
}

const FEW = 8;

export function table<R>(spec: TableSpec<R>): HTMLElement {
  const t = strings();
  if (spec.rows.length === 0) return h("p", { class: "empty" }, spec.empty);
  const state = { column: spec.sort ?? -1, down: true, filter: "", onlyFailed: false };
  const open = new Set<R>();
  const body = h("tbody");
  const shown = h("span", { class: "count num", "aria-live": "polite" });

  const heads = spec.columns.map((column, at) => {
    const button = h(
      "button",
      { type: "button", title: column.help ?? t.table.sortedBy(column.title) },
      column.title,
    );
    const head = h("th", { scope: "col", class: column.text ? "text" : "num" }, button);
    button.addEventListener("click", () => {
      // Figures begin with the largest, names with the first.
      state.down = state.column === at ? !state.down : !column.text;
      state.column = at;
      draw();
    });
    return head;
  });

  function chosen(): R[] {
    const wanted = state.filter.trim().toLowerCase();
    const rows = spec.rows.filter(
      (row) =>
        (wanted === "" || (spec.name?.(row) ?? "").toLowerCase().includes(wanted)) &&
        (!state.onlyFailed || spec.failed?.(row) === true),
    );
    const column = spec.columns[state.column];
    if (!column) return rows;
    return rows
      .map((row, place) => ({ row, place }))
      .sort((a, b) => compared(column.value(a.row), column.value(b.row), state.down) || a.place - b.place)
      .map(({ row }) => row);
  }

  function draw(): void {
    heads.forEach((head, at) => {
      head.setAttribute("aria-sort", at !== state.column ? "none" : state.down ? "descending" : "ascending");
    });
    forgetChartsIn(body);
    const rows = chosen();
    body.replaceChildren(...rows.flatMap((row) => lines(row)));
    if (rows.length === 0) {
      body.append(
        h("tr", {}, h("td", { colspan: spec.columns.length, class: "empty" }, t.table.nothingFits)),
      );
    }
    shown.textContent = t.table.shown(rows.length, spec.rows.length);
  }

  function lines(row: R): HTMLElement[] {
    const cells = spec.columns.map((column, at) => {
      const content = column.show ? column.show(row) : String(column.value(row) ?? "");
      const kinds = [column.text ? "text" : "num", column.bad?.(row) ? "bad" : ""].filter(Boolean).join(" ");
      if (at > 0) return h("td", { class: kinds }, content);
      return h("th", { scope: "row", class: kinds }, spec.detail ? opener(row, content) : content);
    });
    const line = h("tr", {}, ...cells);
    return open.has(row) && spec.detail ? [line, detailed(spec.detail(row))] : [line];
  }

  function opener(row: R, content: Node | string | null): HTMLElement {
    const button = h(
      "button",
      { type: "button", class: "opener", "aria-expanded": String(open.has(row)) },
      content,
    );
    button.addEventListener("click", () => {
      const line = button.closest("tr");
      if (open.delete(row)) {
        const below = line?.nextElementSibling;
        if (below) {
          forgetChartsIn(below);
          below.remove();
        }
      } else if (spec.detail) {
        open.add(row);
        line?.after(detailed(spec.detail(row)));
      }
      button.setAttribute("aria-expanded", String(open.has(row)));
    });
    return button;
  }

  const detailed = (content: Node) =>
    h("tr", { class: "detail" }, h("td", { colspan: spec.columns.length }, content));

  const tools = h("div", { class: "tools" });
  if (spec.name && spec.rows.length >= FEW) {
    const filter = h("input", {
      type: "search",
      placeholder: t.table.filter,
      "aria-label": `${t.table.filter}: ${spec.caption}`,
    });
    filter.addEventListener("input", () => {
      state.filter = filter.value;
      draw();
    });
    tools.append(filter);
  }
  if (spec.failed && spec.rows.length >= 2 && spec.rows.some(spec.failed)) {
    const box = h("input", { type: "checkbox" });
    box.addEventListener("change", () => {
      state.onlyFailed = box.checked;
      draw();
    });
    tools.append(h("label", {}, box, ` ${t.table.onlyFailed}`));
  }
  if (tools.childElementCount > 0) tools.append(shown);
  draw();
  return h(
    "div",
    { class: "table" },
    tools.childElementCount > 0 && tools,
    h(
      "div",
      { class: "scroll" },
      h(
        "table",
        {},
        h("caption", { class: "hidden" }, spec.caption),
        h("thead", {}, h("tr", {}, ...heads)),
        body,
      ),
    ),
  );
}

/** What does not exist comes last, whichever way it is sorted. */
function compared(a: Value, b: Value, down: boolean): number {
  const [noA, noB] = [a === null || a === undefined, b === null || b === undefined];
  if (noA || noB) return noA && noB ? 0 : noA ? 1 : -1;
  const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  return down ? -order : order;
}
