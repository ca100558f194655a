// Colours that stand beside each other can be told apart, also by those who do not see all colours.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/** What eyes without one kind of cones see, after Machado, Oliveira and Fernandes 2009, in linear RGB. */
const EYES = {
  all: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};
/** A distance in CIELAB that is seen at a glance; 2.3 is just noticeable. */
const GLANCE = 20;

const sheet = readFileSync(new URL("../src/shared/base.css", import.meta.url), "utf8");
const [light, dark] = [...sheet.matchAll(/:root[^{]*\{([^}]*)\}/g)].map(([, rules]) =>
  Object.fromEntries([...rules.matchAll(/--(\w+): (#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value])),
);

const linear = (share) => (share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4);
const rgb = (hex) => [1, 3, 5].map((place) => linear(Number.parseInt(hex.slice(place, place + 2), 16) / 255));
const times = (rows, [x, y, z]) => rows.map(([a, b, c]) => Math.min(1, Math.max(0, a * x + b * y + c * z)));

function lab([r, g, b]) {
  const root = (t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = root((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = root(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = root((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const luminance = (hex) => {
  const [r, g, b] = rgb(hex);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};

for (const [theme, tones] of Object.entries({ light, dark })) {
  test(`kinds of errors on top of each other can be told apart: ${theme}`, () => {
    const stacked = ["bad", "s1", "s2", "s3", "s4", "rest"];
    for (const [eyes, rows] of Object.entries(EYES)) {
      const seen = stacked.map((tone) => lab(times(rows, rgb(tones[tone]))));
      seen.forEach((one, at) => {
        seen.slice(0, at).forEach((other, before) => {
          const distance = Math.hypot(...one.map((value, axis) => value - other[axis]));
          assert.ok(
            distance > GLANCE,
            `${eyes}: ${stacked[at]} and ${stacked[before]} are ${distance} apart`,
          );
        });
      });
    }
  });

  test(`words can be read: ${theme}`, () => {
    for (const tone of ["ink", "quiet", "link", "good", "bad"]) {
      for (const ground of ["paper", "raised", "band"]) {
        const found = contrast(tones[tone], tones[ground]);
        assert.ok(found >= 4.5, `${tone} on ${ground}: ${found.toFixed(2)}`);
      }
    }
  });
}
