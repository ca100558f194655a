//! The whole benchmark in a few seconds: every client measures something, and nothing fails.

use std::process::Command;

#[test]
fn a_quick_run_fills_every_table() {
    let output = Command::new(env!("CARGO_BIN_EXE_throng-bench")).arg("--quick").output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    for heading in [
        "TCP, 100 robots",
        "WebSocket, 100 robots",
        "connections at once",
        "sleeping robots",
        "in memory",
        "beside one robot",
    ] {
        assert!(text.contains(heading), "no {heading:?} in {text}");
    }
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("bare") || line.starts_with("engine") || line.starts_with("Lua"))
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    assert_eq!(rows.len(), 2 * 4 + 3 + 2 + 3, "{text}");
    for row in &rows[..8] {
        let share: f64 = row[2].parse().expect("a share");
        assert!(share > 0.0 && row.last() == Some(&"0"), "a share, and no failures: {row:?}");
    }
}
