//! What an operator is shown of two texts of one line. Texts come from elsewhere: whatever they hold, little of it is
//! shown, and nothing that a terminal or a log would obey.

/// Of a text that is shown to an operator, so many bytes.
const EXCERPT: usize = 40;

/// Two texts where they begin to differ, short and with everything escaped that could harm a terminal.
pub(super) fn two(one: &[u8], other: &[u8]) -> (String, String) {
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(EXCERPT / 2);
    let excerpt = |text: &[u8]| {
        let before = if from > 0 { "..." } else { "" };
        let shown = text.get(from..).unwrap_or_default();
        let after = if shown.len() > EXCERPT { "..." } else { "" };
        let shown = shown.get(..EXCERPT).unwrap_or(shown).escape_ascii();
        format!("\"{before}{shown}{after}\" ({} bytes)", text.len())
    };
    (excerpt(one), excerpt(other))
}

#[cfg(test)]
mod tests {
    use super::two;

    #[test]
    fn two_texts_are_shown_where_they_differ_short_and_escaped() {
        let plain = two(b"zero", b"\x1b[2Jnought\"");
        assert_eq!(plain.0, "\"zero\" (4 bytes)");
        assert_eq!(plain.1, r#""\x1b[2Jnought\"" (11 bytes)"#);
        let long = |last: &str| format!("{}{last}{}", "a".repeat(1000), "b".repeat(8000));
        let (one, other) = two(long("x").as_bytes(), long("y").as_bytes());
        assert!(
            one.starts_with("\"...aaa") && one.contains('x') && one.ends_with("bbb...\" (9001 bytes)"),
            "{one}"
        );
        assert!(other.contains('y') && other.len() < 80, "{other}");
    }
}
