#!/usr/bin/env python3
"""Makes screen.svg: runs a command in a terminal of its own and draws what stands there after some seconds.

    pip install pyte
    docs/images/screen.py 12 target/release/throng demo -u 500 -r 100 -t 16s > docs/images/screen.svg
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from xml.sax.saxutils import escape

import pyte

COLUMNS, ROWS = 100, 27
CELL, LINE, FONT, MARGIN, BAR = 8.4, 19, 14, 16, 34
BACKGROUND, FOREGROUND, FAINT = "#16191f", "#d5d9e0", "#8a919e"
COLOURS = {
    "black": "#5c6370", "red": "#ef6b73", "green": "#7fc97f", "brown": "#e5c07b", "yellow": "#e5c07b",
    "blue": "#6cb6ff", "magenta": "#d2a8ff", "cyan": "#56c8d8", "white": "#d5d9e0",
    "brightblack": "#8a919e", "brightgreen": "#7fc97f", "brightcyan": "#56c8d8",
}


class Screen(pyte.Screen):
    """pyte forgets that text is faint; its unused blink flag remembers it here."""

    def select_graphic_rendition(self, *attributes, **kwargs):
        super().select_graphic_rendition(*attributes, **kwargs)
        if attributes in ((2,), (22,)):
            self.cursor.attrs = self.cursor.attrs._replace(blink=attributes == (2,))


def capture(seconds, command):
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color")
        os.execvp(command[0], command)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    screen = Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([fd], [], [], left)[0]:
            stream.feed(os.read(fd, 1 << 16))
    rows = [[screen.buffer[row][column] for column in range(COLUMNS)] for row in range(ROWS)]
    os.write(fd, b"\x03\x03")
    os.close(fd)
    os.waitpid(pid, 0)
    return rows


def runs(row):
    """Neighbouring cells that look alike, with their column; blanks separate."""
    start, text, look = 0, "", None
    for column, cell in enumerate(row + [None]):
        this = None if cell is None or cell.data == " " else (cell.fg, cell.bold, cell.blink)
        if this != look:
            if look is not None:
                yield start, text, look
            start, text, look = column, "", this
        if this is not None:
            text += cell.data


def colour(look):
    name, _, faint = look
    if name == "default":
        return FAINT if faint else FOREGROUND
    return COLOURS.get(name, "#" + name if len(name) == 6 else FOREGROUND)


def draw(rows, title):
    width, height = COLUMNS * CELL + 2 * MARGIN, ROWS * LINE + 2 * MARGIN + BAR
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
           f'height="{height:g}" role="img" aria-label="{escape(title)}" xml:space="preserve" '
           f'font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="{FONT}">')
    # A window of its own colours, with a border that parts it from light and dark pages alike.
    yield (f'<rect x=".5" y=".5" width="{width - 1:g}" height="{height - 1:g}" rx="9" fill="{BACKGROUND}" '
           'stroke="#6e7681" stroke-opacity=".6"/>')
    for index, dot in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        yield f'<circle cx="{20 + 18 * index}" cy="18" r="5.5" fill="{dot}"/>'
    yield f'<text x="{width / 2:g}" y="23" text-anchor="middle" fill="{FAINT}">{escape(title)}</text>'
    for number, row in enumerate(rows):
        y = BAR + MARGIN + number * LINE + FONT - 2
        for start, text, look in runs(row):
            weight = ' font-weight="bold"' if look[1] else ""
            # The length keeps columns straight whatever font the reader has.
            yield (f'<text x="{MARGIN + start * CELL:g}" y="{y:g}" fill="{colour(look)}"{weight} '
                   f'textLength="{len(text) * CELL:g}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>')
    yield "</svg>"


if __name__ == "__main__":
    seconds, command = float(sys.argv[1]), sys.argv[2:]
    shown = " ".join([os.path.basename(command[0]), *command[1:]])
    print("\n".join(draw(capture(seconds, command), shown)))
