//! A setting's value between its sources (file, environment, flag, default) and the checks.
//!
//! Here only its kind is looked at; what the value means is the business of `check`.

use super::table::{Kind, nearest};
use std::fmt;
use std::time::Duration;
use toml::de::{DeInteger, DeValue};

/// A value of the right kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    List(Vec<String>),
    Whole(i64),
    Number(f64),
    Switch(bool),
    Auto,
}

/// As it is written in TOML.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &str| toml::Value::String(text.into()).to_string();
        match self {
            Self::Text(value) => f.write_str(&text(value)),
            Self::List(values) => {
                let values: Vec<_> = values.iter().map(|value| text(value)).collect();
                write!(f, "[{}]", values.join(", "))
            }
            Self::Whole(value) => value.fmt(f),
            Self::Number(value) => write!(f, "{}", toml::Value::Float(*value)),
            Self::Switch(value) => value.fmt(f),
            Self::Auto => f.write_str("\"auto\""),
        }
    }
}

/// What is wrong with a value, and what it should be instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) why: String,
    pub(crate) hint: String,
}

/// Reads what flags and the environment give: words. A list takes them all, everything else takes the last.
pub(crate) fn from_words(kind: Kind, words: &[String]) -> Result<Value, Mismatch> {
    let word = words.last().map_or("", |word| word.trim());
    let value = match kind {
        Kind::Text | Kind::Path | Kind::Choice(_) | Kind::Span => return from_text(kind, word),
        Kind::List => {
            let items = words.iter().flat_map(|words| words.split(',')).map(str::trim);
            Some(Value::List(items.filter(|item| !item.is_empty()).map(Into::into).collect()))
        }
        Kind::WholeOrAuto | Kind::NumberOrAuto if word == "auto" => Some(Value::Auto),
        Kind::Whole | Kind::WholeOrAuto => word.parse().ok().map(Value::Whole),
        Kind::NumberOrAuto => word.parse().ok().map(Value::Number),
        Kind::Switch => match word {
            "true" => Some(Value::Switch(true)),
            "false" => Some(Value::Switch(false)),
            _ => None,
        },
    };
    value.ok_or_else(|| mismatch(kind, &format!("{word:?} is not"), word))
}

/// Reads what stands in the file.
pub(crate) fn from_toml(kind: Kind, value: &DeValue<'_>) -> Result<Value, Mismatch> {
    let read = match (kind, value) {
        (Kind::Text | Kind::Path | Kind::Choice(_) | Kind::Span, DeValue::String(text)) => {
            return from_text(kind, text);
        }
        (Kind::List, DeValue::Array(items)) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(Into::into));
            texts.collect::<Option<_>>().map(Value::List)
        }
        (Kind::Whole | Kind::WholeOrAuto, DeValue::Integer(number)) => whole(number).map(Value::Whole),
        #[expect(clippy::cast_precision_loss, reason = "no rate is that high")]
        (Kind::NumberOrAuto, DeValue::Integer(number)) => {
            whole(number).map(|number| Value::Number(number as f64))
        }
        (Kind::NumberOrAuto, DeValue::Float(number)) => number.as_str().parse().ok().map(Value::Number),
        (Kind::WholeOrAuto | Kind::NumberOrAuto, DeValue::String(text)) if text == "auto" => {
            Some(Value::Auto)
        }
        (Kind::Switch, DeValue::Boolean(value)) => Some(Value::Switch(*value)),
        _ => None,
    };
    read.ok_or_else(|| match value {
        DeValue::String(text) => mismatch(kind, &format!("{text:?} is not"), text),
        other => mismatch(kind, &format!("it is of type {}, not", other.type_str()), ""),
    })
}

fn whole(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn from_text(kind: Kind, text: &str) -> Result<Value, Mismatch> {
    let sound = match kind {
        Kind::Choice(words) => words.contains(&text),
        Kind::Span => span(text).is_some(),
        _ => true,
    };
    if sound { Ok(Value::Text(text.into())) } else { Err(mismatch(kind, &format!("{text:?} is not"), text)) }
}

fn mismatch(kind: Kind, what: &str, word: &str) -> Mismatch {
    let expects = kind.expects();
    let meant = match kind {
        Kind::Choice(words) => nearest(word, words.iter().copied()),
        _ => None,
    };
    let hint = match meant {
        Some(meant) => format!("Did you mean {meant:?}?"),
        None => format!("Write {expects}"),
    };
    Mismatch { why: format!("{what} {expects}"), hint }
}

/// A time with its unit: ms, s, m or h.
pub(crate) fn span(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let millis: u64 = match unit.trim_start() {
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn toml(kind: Kind, text: &str) -> Result<Value, Mismatch> {
        from_toml(kind, DeValue::parse(text).unwrap().get_ref())
    }

    fn word(kind: Kind, text: &str) -> Result<Value, Mismatch> {
        from_words(kind, &[text.into()])
    }

    #[test]
    fn words_and_toml_say_the_same() {
        let list = Value::List(vec!["a".into(), "b".into()]);
        for (kind, words, text, value) in [
            (Kind::Text, " a b", r#""a b""#, Value::Text("a b".into())),
            (Kind::List, "a, b,", r#"["a", "b"]"#, list),
            (Kind::Whole, "-5", "-5", Value::Whole(-5)),
            (Kind::WholeOrAuto, "auto", r#""auto""#, Value::Auto),
            (Kind::WholeOrAuto, "1000", "1_000", Value::Whole(1000)),
            (Kind::NumberOrAuto, "99.5", "99.5", Value::Number(99.5)),
            (Kind::NumberOrAuto, "100", "0x64", Value::Number(100.0)),
            (Kind::Switch, "true", "true", Value::Switch(true)),
            (Kind::Span, "500ms", "'500ms'", Value::Text("500ms".into())),
        ] {
            assert_eq!(word(kind, words), Ok(value.clone()), "{words}");
            assert_eq!(toml(kind, text), Ok(value), "{text}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_kind_says_what_is_expected() {
        let why = |kind, text| toml(kind, text).unwrap_err().why;
        assert_eq!(why(Kind::Text, "5"), "it is of type integer, not a text");
        assert_eq!(why(Kind::List, r#"["a", 1]"#), "it is of type array, not a list of texts");
        assert_eq!(why(Kind::WholeOrAuto, r#""1000""#), r#""1000" is not a whole number or "auto""#);
        assert_eq!(why(Kind::Span, r#""soon""#), r#""soon" is not a time such as "10s", "500ms" or "2m""#);
        let mismatch = word(Kind::Choice(&["mesh", "star"]), "mehs").unwrap_err();
        assert_eq!(mismatch.hint, r#"Did you mean "mesh"?"#);
        assert!(word(Kind::Switch, "yes").is_err() && word(Kind::Whole, "99999999999999999999").is_err());
    }

    #[test]
    fn spans_have_units() {
        assert_eq!(span("10s"), Some(Duration::from_secs(10)));
        assert_eq!(span("500 ms"), Some(Duration::from_millis(500)));
        assert_eq!(span("2m"), Some(Duration::from_secs(120)));
        for text in ["", "10", "s", "-1s", "1.5s", "18446744073709551615h", "10s5"] {
            assert_eq!(span(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(text in ".*", items in proptest::collection::vec(".*", 0..4), number in any::<i64>(), rate in 0.001..1e9f64) {
            for (kind, value) in [
                (Kind::Text, Value::Text(text.clone())),
                (Kind::List, Value::List(items.clone())),
                (Kind::Whole, Value::Whole(number)),
                (Kind::NumberOrAuto, Value::Number(rate)),
            ] {
                prop_assert_eq!(toml(kind, &value.to_string()), Ok(value));
            }
        }
    }
}
