// What several sections use.

import { strings } from "../shared/strings";

export { fullName, nameOf, pair, section } from "../shared/frame";

/** What a kind of failure is called. */
export const kindName = (kind: string): string => strings().errors.kinds[kind] ?? kind.replaceAll("_", " ");

/** `3 timeout, 1 reset`. */
export function counted(counts: Record<string, number>, name: (kind: string) => string): string {
  return Object.entries(counts)
    .sort((a, b) => b[1] - a[1])
    .map(([kind, count]) => `${count} ${name(kind)}`)
    .join(", ");
}
