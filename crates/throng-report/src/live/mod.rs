//! The live screen: a pure function of a snapshot and a size.
//!
//! From top to bottom: what runs and how far it is, what robots do, what goes over the wire, how late the generator is;
//! then requests, pushes and errors, one below the other or, where the terminal is wide, side by side. [`overview`]
//! makes the upper part, [`lists`] the lower one.

mod lists;
mod overview;
pub(crate) mod screen;

use ratatui::Frame;
use ratatui::layout::Rect;
use throng_metrics::Snapshot;

use crate::paint::{Colour, Word, Words};
use crate::text::wrap;

/// From this width on, requests stand beside pushes and errors.
const WIDE: u16 = 132;
/// Below this the plain line stands for the screen.
const SMALLEST: (u16, u16) = (60, 12);

/// Paints a moment of a run over the whole frame, whatever its size.
pub fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot, colour: Colour) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let lines = wrap(crate::plain_line(snapshot).trim(), usize::from(area.width));
        let lines: Vec<Words> = lines.into_iter().map(|line| Words::of([Word::plain(line)])).collect();
        return put(frame, area, &lines, colour);
    }
    let inner = Rect { x: area.x + 1, width: area.width - 2, ..area };
    let top = overview::lines(snapshot, usize::from(inner.width));
    let top_height = u16::try_from(top.len()).unwrap_or(u16::MAX).min(inner.height);
    put(frame, Rect { height: top_height, ..inner }, &top, colour);
    let footer = Rect { y: inner.bottom() - 1, height: 1, ..inner };
    let body = Rect { y: inner.y + top_height, height: inner.height.saturating_sub(top_height + 2), ..inner };
    if inner.width >= WIDE {
        side_by_side(frame, body, snapshot, colour);
    } else {
        stacked(frame, body, snapshot, colour);
    }
    put(frame, footer, &[Words::of([Word::dim(footer_text(snapshot))])], colour);
}

fn footer_text(snapshot: &Snapshot) -> &'static str {
    if snapshot.anything_succeeded {
        "Ctrl-C or q: end the run gracefully; twice: now"
    } else {
        "Nothing came back yet.  Ctrl-C or q: end the run gracefully; twice: now"
    }
}

fn side_by_side(frame: &mut Frame<'_>, body: Rect, snapshot: &Snapshot, colour: Colour) {
    let gap = 4;
    let left = body.width * 55 / 100;
    let right = Rect { x: body.x + left + gap, width: body.width - left - gap, ..body };
    let cells = usize::from(left);
    put(
        frame,
        Rect { width: left, ..body },
        &lists::requests(snapshot, cells, usize::from(body.height)),
        colour,
    );
    let errors = lists::errors(snapshot, usize::from(right.width), usize::from(body.height / 2));
    let below = if errors.is_empty() { 0 } else { errors.len() + 1 };
    let pushes =
        lists::pushes(snapshot, usize::from(right.width), usize::from(body.height).saturating_sub(below));
    put_one_below_the_other(frame, right, [pushes, errors], colour);
}

fn stacked(frame: &mut Frame<'_>, body: Rect, snapshot: &Snapshot, colour: Colour) {
    let cells = usize::from(body.width);
    let wanted = [snapshot.requests.len().max(1), snapshot.pushes.len(), snapshot.top_errors.len()];
    let [requests, pushes, errors] = heights(wanted, usize::from(body.height));
    let blocks = [
        lists::requests(snapshot, cells, requests),
        lists::pushes(snapshot, cells, pushes),
        lists::errors(snapshot, cells, errors),
    ];
    put_one_below_the_other(frame, body, blocks, colour);
}

/// How many lines requests, pushes and errors get, titles included, for so many rows of each.
///
/// Requests matter most; but pushes and errors have a title and two lines first, and what requests leave after.
fn heights(rows: [usize; 3], height: usize) -> [usize; 3] {
    let wanted = rows.map(|rows| if rows == 0 { 0 } else { rows + 1 });
    let gaps = wanted.iter().filter(|&&wanted| wanted > 0).count().saturating_sub(1);
    let mut left = height.saturating_sub(gaps);
    let mut given = [0; 3];
    for (block, at_most) in [(2, 3), (1, 3), (0, usize::MAX), (2, usize::MAX), (1, usize::MAX)] {
        let more = wanted[block].min(at_most).saturating_sub(given[block]).min(left);
        given[block] += more;
        left -= more;
    }
    given
}

fn put_one_below_the_other<const N: usize>(
    frame: &mut Frame<'_>,
    area: Rect,
    blocks: [Vec<Words>; N],
    colour: Colour,
) {
    let mut y = area.y;
    for block in blocks.iter().filter(|block| !block.is_empty()) {
        if y >= area.bottom() {
            return;
        }
        put(frame, Rect { y, height: area.bottom() - y, ..area }, block, colour);
        y = y.saturating_add(u16::try_from(block.len()).unwrap_or(u16::MAX)).saturating_add(1);
    }
}

fn put(frame: &mut Frame<'_>, area: Rect, lines: &[Words], colour: Colour) {
    let area = area.intersection(frame.area());
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        frame.buffer_mut().set_line(area.x, y, &line.on_screen(colour), area.width);
    }
}

#[cfg(test)]
mod tests {
    use super::heights;

    #[test]
    fn requests_come_first_but_pushes_and_errors_are_not_lost() {
        assert_eq!(heights([5, 3, 3], 30), [6, 4, 4]);
        assert_eq!(heights([5, 3, 3], 14), [6, 3, 3]);
        assert_eq!(heights([50, 30, 30], 14), [6, 3, 3]);
        assert_eq!(heights([2, 0, 9], 14), [3, 0, 10]);
        assert_eq!(heights([1, 0, 0], 14), [2, 0, 0]);
        assert_eq!(heights([5, 3, 3], 0), [0, 0, 0]);
    }
}
