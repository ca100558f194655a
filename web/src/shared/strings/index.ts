// The texts of the language that is on.

import { language } from "../prefs";
import { en, type Strings } from "./en";
import { zh } from "./zh";

export type { Strings };

export const strings = (): Strings => (language() === "zh" ? zh : en);
