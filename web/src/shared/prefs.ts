// What the reader chose: language and theme. The browser's own are used until then.

export type Language = "en" | "zh";
export type Theme = "light" | "dark";

const KEY = "throng.";

/** A page from a file may have no storage at all. */
function stored(name: string): string | null {
  try {
    return localStorage.getItem(KEY + name);
  } catch {
    return null;
  }
}

function store(name: string, value: string): void {
  try {
    localStorage.setItem(KEY + name, value);
  } catch {
    // The choice then holds for this page alone.
  }
}

const dark = matchMedia("(prefers-color-scheme: dark)");

export function language(): Language {
  const chosen = stored("language");
  if (chosen === "en" || chosen === "zh") return chosen;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function theme(): Theme {
  const chosen = stored("theme");
  if (chosen === "light" || chosen === "dark") return chosen;
  return dark.matches ? "dark" : "light";
}

export const chooseLanguage = (value: Language): void => store("language", value);
export const chooseTheme = (value: Theme): void => store("theme", value);

/** Calls `changed` when the system's theme changes and the reader chose none. */
export function onSystemTheme(changed: () => void): void {
  dark.addEventListener("change", () => {
    if (stored("theme") === null) changed();
  });
}
