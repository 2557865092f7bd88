//! What chance says about drawing a file line by line: each draw gives any of its lines with the same probability.

/// H(n) = 1 + 1/2 + ... + 1/n, by its asymptotic series beyond the first hundred.
fn harmonic(n: u32) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    if n <= 100 {
        return (1..=n).map(|i| 1.0 / f64::from(i)).sum();
    }
    let n = f64::from(n);
    n.ln() + EULER + 1.0 / (2.0 * n) - 1.0 / (12.0 * n * n)
}

/// How many draws it takes on average until `held` of `lines` lines are known.
pub(crate) fn draws_until(held: u32, lines: u32) -> f64 {
    let left = lines.saturating_sub(held);
    f64::from(lines) * (harmonic(lines) - harmonic(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_draws_until_a_thousand_lines_are_known_are_those_of_the_textbook() {
        assert!((draws_until(1000, 1000) - 7485.47).abs() < 0.01);
        assert!((draws_until(1, 1000) - 1.0).abs() < 1e-6);
        let slowly: f64 = (0..577).map(|known| 1000.0 / f64::from(1000 - known)).sum();
        assert!((draws_until(577, 1000) - slowly).abs() < 1e-6);
        assert!(draws_until(0, 1000).abs() < 1e-9);
        assert!((draws_until(2, 2) - 3.0).abs() < 1e-9);
    }
}
