// A search for the load a server bears, as a page: the knee, the curve, the tries.

import { h } from "../shared/dom";
import { contents, show } from "../shared/page";
import { strings } from "../shared/strings";
import { curve } from "./curve";
import { answer, head, tiles } from "./head";
import type { Figures } from "./model";
import { texts } from "./texts";
import { tries } from "./tries";

function body(figures: Figures): Node[] {
  const { search } = figures;
  const sections = [curve(search), tries(search)];
  const top = tiles(search);
  return [
    head(figures),
    ...(top ? [top] : []),
    contents(sections),
    h("p", { class: "quiet hint screen" }, texts().hint),
    ...sections,
    h("footer", { class: "quiet" }, strings().footer(search.version)),
  ];
}

show<Figures>({
  format: 1,
  title: ({ search }) => `${search.project}: ${answer(search)} · throng`,
  body,
});
