//! A distribution in one line of blocks.

use throng_metrics::Bin;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The bins as a line of at most `cells` blocks from the shortest to the longest duration.
///
/// A block's height follows the square root of its count, so that a thin tail can still be seen; a cell without any is
/// a space.
pub(crate) fn sparkline(bins: &[Bin], cells: usize) -> String {
    if bins.is_empty() || cells == 0 {
        return String::new();
    }
    let cells = cells.min(bins.len());
    let mut counts = vec![0u64; cells];
    for (at, bin) in bins.iter().enumerate() {
        counts[at * cells / bins.len()] += bin.count;
    }
    let highest = counts.iter().copied().max().unwrap_or(0);
    counts.into_iter().map(|count| block(count, highest)).collect()
}

fn block(count: u64, highest: u64) -> char {
    if count == 0 || highest == 0 {
        return ' ';
    }
    let share = (count as f64 / highest as f64).sqrt();
    let step = (share * BLOCKS.len() as f64).ceil() as usize;
    BLOCKS[step.clamp(1, BLOCKS.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(counts: &[u64]) -> Vec<Bin> {
        counts.iter().map(|&count| Bin { up_to_us: 1, count }).collect()
    }

    #[test]
    fn the_highest_is_full_and_a_thin_tail_is_seen() {
        assert_eq!(sparkline(&bins(&[1, 100, 25, 0, 1]), 5), "▁█▄ ▁");
    }

    #[test]
    fn bins_are_joined_to_fit() {
        assert_eq!(sparkline(&bins(&[1, 1, 2, 2, 0, 0]), 3), "▆█ ");
        assert_eq!(sparkline(&bins(&[5]), 8), "█");
        assert_eq!(sparkline(&[], 8), "");
        assert_eq!(sparkline(&bins(&[0, 0]), 2), "  ");
    }
}
