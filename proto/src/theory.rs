//! What chance says about drawing a file line by line: each draw gives any of its N lines with the same probability.
//!
//! To see all of them takes N·H(N) draws on average; k peers that share every line at once need the same together.

/// How many draws it takes on average to see all lines.
#[must_use]
pub fn expected_draws(lines: u32) -> f64 {
    f64::from(lines) * harmonic(lines)
}

/// How many draws it takes on average until `held` of `lines` lines are known.
#[must_use]
pub fn draws_until(held: u32, lines: u32) -> f64 {
    expected_draws(lines) - draws_left(lines.saturating_sub(held), lines)
}

/// How many draws it takes on average to see the last `missing` of `lines` lines.
#[must_use]
pub fn draws_left(missing: u32, lines: u32) -> f64 {
    f64::from(lines) * harmonic(missing)
}

/// The standard deviation of the number of draws that it takes to see all lines.
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

/// H(n) = 1 + 1/2 + ... + 1/n, by its asymptotic series beyond the first hundred.
fn harmonic(n: u32) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    if n <= 100 {
        return (1..=n).map(|i| 1.0 / f64::from(i)).sum();
    }
    let n = f64::from(n);
    ln(n) + EULER + 1.0 / (2.0 * n) - 1.0 / (12.0 * n * n)
}

/// The natural logarithm of a number from 1 on. The C library's would be all that a daemon needs of its mathematics:
/// half a MiB of its memory.
fn ln(n: f64) -> f64 {
    const FRACTION: u32 = f64::MANTISSA_DIGITS - 1;
    // n = m * 2^e with m in 1..2, and ln m = 2 artanh((m - 1) / (m + 1)), whose series shrinks by 9 a term.
    let exponent = (n.to_bits() >> FRACTION) as f64 - 1023.0;
    let m = f64::from_bits(n.to_bits() & ((1 << FRACTION) - 1) | 1.0f64.to_bits());
    let z = (m - 1.0) / (m + 1.0);
    let terms = (0..18).scan(z, |power, k| {
        let term = *power / f64::from(2 * k + 1);
        *power *= z * z;
        Some(term)
    });
    exponent * core::f64::consts::LN_2 + 2.0 * terms.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 0.005
    }

    #[test]
    fn the_logarithm_is_that_of_the_c_library() {
        for n in (1..2000).chain([65535, 65536, 1_000_000, u32::MAX]).map(f64::from) {
            assert!((ln(n) - n.ln()).abs() <= 1e-14 * n.ln().max(1.0), "{n}: {} {}", ln(n), n.ln());
        }
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
    fn part_of_the_file_takes_what_the_sum_over_its_lines_says() {
        let slowly: f64 = (0..577).map(|known| 1000.0 / f64::from(1000 - known)).sum();
        assert!((draws_until(577, 1000) - slowly).abs() < 1e-6);
        assert!(close(draws_until(1000, 1000), expected_draws(1000)));
        assert!(close(draws_until(0, 1000), 0.0));
    }

    #[test]
    fn the_floor_is_what_the_best_groups_are_judged_by() {
        let floor = |peers| seconds(expected_draws(1000), peers, 100.0);
        assert!(close(floor(1), 74.85) && close(floor(2), 37.43));
        assert!(close(floor(3), 24.95) && close(floor(4), 18.71));
    }
}
