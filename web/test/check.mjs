// What the tests of all pages begin with.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./browser.mjs";

/** A test with a page, which must have told nothing when it ends. */
export function check(title, name, options, body) {
  test(title, async () => {
    const { page, told, close } = await open(name, options);
    try {
      await body(page);
      assert.deepEqual(told, [], "the page made errors or asked the network");
    } finally {
      await close();
    }
  });
}

/** With plain spaces, one at a time. */
export const flat = (text) => text.replace(/\s+/g, " ").trim();
export const texts = (locator) => locator.allInnerTexts();
export const section = (page, id) => page.locator(`#${id}`);

/** How many different colours a canvas has. */
export const colours = (canvas) =>
  canvas.evaluate((element) => {
    const { data } = element.getContext("2d").getImageData(0, 0, element.width, element.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
