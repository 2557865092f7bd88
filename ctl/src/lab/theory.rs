//! What the arithmetic expects of a download by random draws with replacement.
//!
//! To see N lines takes N*H(N) draws on average; k peers that share every line at once need the same together.

/// How many draws it takes on average to see all lines.
#[must_use]
pub fn expected_draws(lines: u32) -> f64 {
    f64::from(lines) * harmonic(lines)
}

/// The standard deviation of that number.
#[must_use]
pub fn deviation(lines: u32) -> f64 {
    // The wait for the next new line is geometric with p = i/N: its variance is (1 - p) / p^2.
    let variance = |i| {
        let p = f64::from(i) / f64::from(lines);
        (1.0 - p) / (p * p)
    };
    (1..=lines).map(variance).sum::<f64>().sqrt()
}

/// Seconds that `draws` take at least with `peers` drawing at `rate` each.
#[must_use]
pub fn seconds(draws: f64, peers: u32, rate: f64) -> f64 {
    draws / (f64::from(peers) * rate)
}

/// Summed from the smallest, which loses least.
fn harmonic(n: u32) -> f64 {
    (1..=n).rev().map(|i| 1.0 / f64::from(i)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 0.005
    }

    #[test]
    fn a_thousand_lines_take_7485_draws_give_or_take_1279() {
        assert!(close(expected_draws(1000), 7485.47));
        assert!(close(deviation(1000), 1279.24), "{}", deviation(1000));
        assert!(close(expected_draws(1), 1.0));
        assert!(close(deviation(1), 0.0));
        assert!(close(expected_draws(2), 3.0));
    }

    #[test]
    fn the_floor_is_what_the_best_groups_are_judged_by() {
        let floor = |peers| seconds(expected_draws(1000), peers, 100.0);
        assert!(close(floor(1), 74.85) && close(floor(2), 37.43));
        assert!(close(floor(3), 24.95) && close(floor(4), 18.71));
    }
}
