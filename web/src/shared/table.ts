// Tables that sort by a click on a head, filter by name, and open a row for more.

import { forgetChartsIn } from "./chart";
import { h, visible } from "./dom";
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
  /** Under which name the page knows what the reader chose here, when it is drawn anew; of one table only. */
  keep?: string;
}

/** What a reader chose in a table. Rows are known by their places, because they stay where they are. */
interface Choice {
  column: number;
  down: boolean;
  filter: string;
  onlyFailed: boolean;
  open: Set<number>;
}

const kept = new Map<string, Choice>();

function choice<R>(spec: TableSpec<R>): Choice {
  const known = spec.keep === undefined ? undefined : kept.get(spec.keep);
  const found = known ?? {
    column: spec.sort ?? -1,
    down: true,
    filter: "",
    onlyFailed: false,
    open: new Set(),
  };
  if (spec.keep !== undefined) kept.set(spec.keep, found);
  return found;
}

/** From so many rows on there is a filter. */
const FEW = 8;
/** Tables of at most so many columns do not need the width of the page. */
const FEW_COLUMNS = 5;

export function table<R>(spec: TableSpec<R>): HTMLElement {
  const t = strings();
  if (spec.rows.length === 0) return h("p", { class: "empty" }, spec.empty);
  const state = choice(spec);
  const { open } = state;
  const places = new Map(spec.rows.map((row, place) => [row, place]));
  const placeOf = (row: R) => places.get(row) ?? -1;
  const body = h("tbody");
  const tools = h("div", { class: "tools" });
  const shown = h("span", { class: "count num", "aria-live": "polite" });
  const said = h("span", { class: "paper" });

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
    // On paper there is no filter to look at, but that something is left out must be said.
    const filter = state.filter.trim();
    tools.classList.toggle("chosen", rows.length < spec.rows.length);
    said.textContent = [filter && `“${visible(filter)}”`, state.onlyFailed && t.table.onlyFailed]
      .filter(Boolean)
      .join(", ");
  }

  function lines(row: R): HTMLElement[] {
    const cells = spec.columns.map((column, at) => {
      const content = column.show ? column.show(row) : String(column.value(row) ?? "");
      const kinds = [column.text ? "text" : "num", column.bad?.(row) ? "bad" : ""].filter(Boolean).join(" ");
      if (at > 0) return h("td", { class: kinds }, content);
      return h("th", { scope: "row", class: kinds }, spec.detail ? opener(row, content) : content);
    });
    const line = h("tr", {}, ...cells);
    return open.has(placeOf(row)) && spec.detail ? [line, detailed(spec.detail(row))] : [line];
  }

  function opener(row: R, content: Node | string | null): HTMLElement {
    const button = h(
      "button",
      { type: "button", class: "opener", "aria-expanded": String(open.has(placeOf(row))) },
      content,
    );
    button.addEventListener("click", () => {
      const line = button.closest("tr");
      if (open.delete(placeOf(row))) {
        const below = line?.nextElementSibling;
        if (below) {
          forgetChartsIn(below);
          below.remove();
        }
      } else if (spec.detail) {
        open.add(placeOf(row));
        line?.after(detailed(spec.detail(row)));
      }
      button.setAttribute("aria-expanded", String(open.has(placeOf(row))));
    });
    return button;
  }

  const detailed = (content: Node) =>
    h("tr", { class: "detail" }, h("td", { colspan: spec.columns.length }, content));

  if (spec.name && spec.rows.length >= FEW) {
    const filter = h("input", {
      type: "search",
      placeholder: t.table.filter,
      "aria-label": `${t.table.filter}: ${spec.caption}`,
      value: state.filter,
    });
    filter.addEventListener("input", () => {
      state.filter = filter.value;
      draw();
    });
    tools.append(filter);
  }
  if (spec.failed && spec.rows.length >= 2 && spec.rows.some(spec.failed)) {
    const box = h("input", { type: "checkbox", checked: state.onlyFailed });
    box.addEventListener("change", () => {
      state.onlyFailed = box.checked;
      draw();
    });
    tools.append(h("label", {}, box, ` ${t.table.onlyFailed}`));
  }
  if (tools.childElementCount > 0) tools.append(shown, said);
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
        { class: spec.columns.length <= FEW_COLUMNS ? "few" : null },
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
