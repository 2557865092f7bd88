//! Text from elsewhere made safe to show: what would steer a terminal, or hide what stands there, becomes an escape.
//!
//! Hidden characters are the control characters (C0, DEL, C1), line and paragraph separators, and the format characters
//! that reorder text or take no room. Everything else stays as it is, so that readable text stays readable.
//! Invariant: what comes out holds no hidden character, and text without one comes out unchanged.

use std::borrow::Cow;
use std::fmt::Write;

/// Would this character, printed as it is, steer a terminal or deceive its reader?
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The text with hidden characters as escapes: `\n`, `\t`, `\u{1b}`.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    text.chars().for_each(|c| push(&mut shown, c));
    Cow::Owned(shown)
}

/// The same of bytes; those that are not UTF-8 as `\xff`.
#[must_use]
pub fn visible_bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push(&mut shown, c));
        for byte in chunk.invalid() {
            // Writing to a String can't fail.
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// JSON text that means the same, with hidden characters as `\u001b`. They only occur within its strings.
#[must_use]
pub fn visible_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_hidden) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 8);
    for c in json.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// A value of a log line: as it is, or in quotes where it would end the field, the line, or hide something.
#[must_use]
pub fn quoted(value: &str) -> Cow<'_, str> {
    let is_plain = |c: char| !c.is_whitespace() && !is_hidden(c) && !matches!(c, '"' | '=' | '\\');
    if !value.is_empty() && value.chars().all(is_plain) {
        return Cow::Borrowed(value);
    }
    let mut shown = String::with_capacity(value.len() + 2);
    shown.push('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            shown.push('\\');
        }
        push(&mut shown, c);
    }
    shown.push('"');
    Cow::Owned(shown)
}

fn push(shown: &mut String, c: char) {
    if is_hidden(c) {
        shown.extend(c.escape_default());
    } else {
        shown.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: [&str; 8] = [
        "\u{1b}]0;title\u{7}",
        "over\rwritten\u{8}",
        "c1 \u{9b}31m",
        "del \u{7f}",
        "bidi \u{202e}txt.exe\u{2066}",
        "nothing \u{200b}there\u{feff}",
        "two\nlines\u{2028}three",
        "tags \u{e0041}",
    ];

    #[test]
    fn hidden_characters_become_escapes_and_readable_text_stays() {
        for text in HOSTILE {
            let shown = [visible(text), visible_bytes(text.as_bytes()).into(), quoted(text)];
            assert!(shown.iter().all(|shown| !shown.contains(is_hidden)), "{shown:?}");
        }
        assert_eq!(visible("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
        for text in
            ["plain", "Gr\u{fc}\u{df}e", "e\u{301}", "\u{65e5}\u{672c}", "\u{928}\u{92e}\u{94d}", "a \\ b"]
        {
            assert_eq!(visible(text), text);
            assert_eq!(visible_bytes(text.as_bytes()), text);
        }
        assert_eq!(visible_bytes(b"a\xff\x1b\xc3"), "a\\xff\\u{1b}\\xc3");
    }

    #[test]
    fn json_means_the_same_before_and_after() {
        for text in HOSTILE {
            let json = serde_json::to_string(text).unwrap_or_default();
            let shown = visible_json(&json);
            assert!(!shown.contains(is_hidden), "{shown}");
            assert_eq!(serde_json::from_str::<String>(&shown).ok().as_deref(), Some(text));
        }
    }

    #[test]
    fn a_value_ends_neither_its_field_nor_its_line() {
        assert_eq!(quoted("127.0.0.1:9801"), "127.0.0.1:9801");
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("a b"), "\"a b\"");
        assert_eq!(quoted("x\nerror level=\"high\" \\"), r#""x\nerror level=\"high\" \\""#);
        assert_eq!(quoted("\u{202e}x"), "\"\\u{202e}x\"");
    }
}
