//! Text for man(7).

/// Text that roff takes for nothing else; what is not ASCII by its name.
pub(super) fn text(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    let safe =
        |line: &str| if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() };
    let text = text.lines().map(safe).collect::<Vec<_>>().join("\n");
    let named = |c: char| if c.is_ascii() { c.to_string() } else { format!("\\[u{:04X}]", u32::from(c)) };
    text.chars().map(named).collect()
}
