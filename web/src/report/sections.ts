// What several sections use.

import { lookup } from "../shared/dom";
import { whole } from "../shared/format";
import { strings } from "../shared/strings";

export { fullName, nameOf, pair, section } from "../shared/frame";

/** What a kind of failure is called. */
export const kindName = (kind: string): string =>
  lookup(strings().errors.kinds, kind) ?? kind.replaceAll("_", " ");

/** `3 timeout, 1 reset`, the most first. */
export function counted(counts: Record<string, number>, name: (kind: string) => string): string {
  return Object.entries(counts)
    .sort((a, b) => b[1] - a[1])
    .map(([kind, count]) => strings().counted(whole(count), name(kind)))
    .join(strings().between);
}
