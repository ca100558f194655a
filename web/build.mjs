// Bundles each page into one file that needs no network, `dist/report.html` and `dist/search.html`, which the Rust side includes.
// With --check nothing is written, and what is committed must be what would be.

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const pages = ["report", "search"];
/** Where the figures go; the Rust side looks for the same text. */
const figures = '{"throng":"figures"}';

async function bundle(entry) {
  const result = await build({
    entryPoints: [join(here, "src", entry)],
    bundle: true,
    minify: true,
    write: false,
    outdir: here,
    format: "iife",
    target: ["chrome105", "firefox110", "safari16"],
    legalComments: "none",
    charset: "utf8",
  });
  return result.outputFiles[0].text.trim();
}

/** A policy's name for an inline element. */
const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Replacing with a function, because `$` in a text means something otherwise. */
const put = (page, place, text) => {
  if (page.split(place).length !== 2) throw new Error(`the page has not exactly one ${place}`);
  return page.replace(place, () => text);
};

async function page(name) {
  const script = await bundle(`${name}/main.ts`);
  const style = await bundle(`${name}/${name}.css`);
  if (/<\/(script|style)/i.test(script + style)) throw new Error("the bundle would end its own element");
  const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'`;
  let text = await readFile(join(here, "src", "shared", "page.html"), "utf8");
  text = put(text, "%POLICY%", policy);
  text = put(text, "%STYLE%", style);
  text = put(text, "%SCRIPT%", script);
  return put(text, "%FIGURES%", figures);
}

let stale = false;
for (const name of pages) {
  const file = join(here, "dist", `${name}.html`);
  const text = await page(name);
  if (process.argv.includes("--check")) {
    const committed = await readFile(file, "utf8").catch(() => "");
    if (committed !== text) {
      console.error(
        `web/dist/${name}.html is not what web/src makes: run \`npm run build\` in web/ and commit it`,
      );
      stale = true;
    }
  } else {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    console.log(`web/dist/${name}.html: ${Math.round(text.length / 1024)} KiB`);
  }
}
process.exitCode = stale ? 1 : 0;
