//! How often two runs are called different, over many servers that exist only in the tests:
//! `cargo run --release -p throng-stats --example power`.

#[path = "../tests/it/synthetic.rs"]
mod synthetic;

use synthetic::Server;
use throng_stats::{Question, compare};

const PAIRS: u64 = 300;

fn main() {
    println!("seconds messages memory wander | alike  alike without a margin  5 % slower (of 100)");
    for seconds in [60, 120] {
        for messages in [1, 5, 20] {
            for (memory, wander) in [(0.0, 0.03), (0.5, 0.03), (0.8, 0.03), (0.9, 0.03)] {
                let server = Server { seconds, messages, rate: 50, memory, wander, slower: 1.0 };
                line(server);
            }
        }
    }
}

fn line(server: Server) {
    let slower = Server { slower: 1.05, ..server };
    let usual = Question::default();
    let sharp = Question { smallest: 0.0, smallest_error_rate: 0.0, ..usual };
    let mut called = [0_u64; 3];
    for pair in 0..PAIRS {
        let (one, other, slow) = (server.run(3 * pair), server.run(3 * pair + 1), slower.run(3 * pair + 2));
        let asked = [(&other, &usual), (&other, &sharp), (&slow, &usual)];
        for (count, (second, question)) in called.iter_mut().zip(asked) {
            let rows = compare(&one, second, question).rows;
            *count += u64::from(rows.iter().any(|row| row.finding.is_difference()));
        }
    }
    let [alike, sharp, slow] = called.map(|count| count as f64 * 100.0 / PAIRS as f64);
    let Server { seconds, messages, memory, wander, .. } = server;
    println!("{seconds:7} {messages:8} {memory:6} {wander:6} | {alike:5.1}  {sharp:22.1}  {slow:19.1}");
}
