//! Columns, and values whose shape only the daemon knows: counters, past runs, settings.
//!
//! Widths count characters. A column keeps its place whatever the values are: a missing one is a dash.

use super::clean;
use lineswarm_proto::time::rfc3339;
use lineswarm_proto::visible::visible_json;
use serde_json::Value;

/// How a column is aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// A header and rows with two blanks between columns; no blanks at the ends of lines.
#[must_use]
pub fn columns(header: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let cells_of = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    let widths: Vec<usize> = header
        .iter()
        .enumerate()
        .map(|(column, (title, _))| {
            cells_of(column).map(|cell| cell.chars().count()).max().unwrap_or(0).max(title.len())
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for ((cell, (_, align)), width) in cells.zip(header).zip(&widths) {
            let blanks = " ".repeat(width.saturating_sub(cell.chars().count()));
            let padded = match align {
                Align::Left => format!("{cell}{blanks}"),
                Align::Right => format!("{blanks}{cell}"),
            };
            line.push_str(&padded);
            line.push_str("  ");
        }
        format!("{}\n", line.trim_end())
    };
    let mut text = line(&mut header.iter().map(|(title, _)| *title));
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// A value in one cell: text without quotes, null as a dash.
#[must_use]
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => clean(text).into_owned(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => short_float(float),
            _ => number.to_string(),
        },
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(_) => clean(&value.to_string()).into_owned(),
    }
}

/// Up to three places, without trailing zeros.
fn short_float(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `name  value` for each field of an object; those of inner objects as `outer.inner`.
#[must_use]
pub fn fields(value: &Value) -> String {
    let mut rows = Vec::new();
    flatten("", value, &mut rows);
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}

fn flatten(prefix: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value.as_object() {
        Some(object) => {
            for (name, value) in object {
                let name = clean(name);
                let name = if prefix.is_empty() { name.into_owned() } else { format!("{prefix}.{name}") };
                flatten(&name, value, rows);
            }
        }
        None if prefix.is_empty() => rows.push(("value".into(), cell(value))),
        None => rows.push((prefix.to_owned(), cell(value))),
    }
}

/// Objects as rows: the `first` columns in this order, then whatever else they have.
#[must_use]
pub fn objects(values: &[Value], first: &[&str]) -> String {
    let mut names: Vec<&str> = first.to_vec();
    for name in values.iter().filter_map(Value::as_object).flat_map(|object| object.keys()) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let has = |name: &&str| values.iter().any(|value| value.get(*name).is_some());
    names.retain(has);
    let is_number = |name: &str| values.iter().any(|value| value.get(name).is_some_and(Value::is_number));
    let titles: Vec<String> = names.iter().map(|name| clean(name).to_uppercase()).collect();
    let header: Vec<(&str, Align)> = titles
        .iter()
        .zip(&names)
        .map(|(title, name)| (title.as_str(), if is_number(name) { Align::Right } else { Align::Left }))
        .collect();
    let shown = |name: &str, value: &Value| match value.as_f64() {
        Some(since_1970) if name == "finished" => rfc3339(since_1970),
        _ => cell(value),
    };
    let row = |value: &Value| {
        names.iter().map(|name| value.get(*name).map_or("-".into(), |cell| shown(name, cell))).collect()
    };
    columns(&header, &values.iter().map(row).collect::<Vec<_>>())
}

/// Settings as the configuration file has them, each with where it comes from.
#[must_use]
pub fn settings(settings: &[Value], only_changed: bool) -> String {
    let text_of = |setting: &Value, field: &str| {
        setting.get(field).and_then(Value::as_str).map(|text| clean(text).into_owned()).unwrap_or_default()
    };
    let shown: Vec<[String; 3]> = settings
        .iter()
        .filter(|setting| !only_changed || text_of(setting, "origin") != "default")
        .map(|setting| {
            let value = setting.get("value").unwrap_or(&Value::Null);
            [
                text_of(setting, "section"),
                format!("{} = {}", text_of(setting, "key"), visible_json(&value.to_string())),
                text_of(setting, "origin"),
            ]
        })
        .collect();
    let width = shown.iter().map(|[_, assignment, _]| assignment.chars().count()).max().unwrap_or(0).min(60);
    let mut text = String::new();
    let mut last = None;
    for [section, assignment, origin] in &shown {
        if last.is_some_and(|last| last != section) {
            text.push('\n');
        }
        if last != Some(section) {
            text.push_str(&format!("[{section}]\n"));
        }
        last = Some(section);
        text.push_str(&format!("{assignment:width$}  # {origin}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_aligned_and_have_no_blanks_at_the_end() {
        let rows = [vec!["a".into(), "7".into(), "x".into()], vec!["long".into(), "1000".into(), "".into()]];
        let header = [("NAME", Align::Left), ("HAVE", Align::Right), ("NOTE", Align::Left)];
        assert_eq!(columns(&header, &rows), "NAME  HAVE  NOTE\na        7  x\nlong  1000\n");
    }

    #[test]
    fn unknown_fields_are_shown_in_a_stable_way() {
        let value = json!({"draws": 7, "inner": {"rate": 99.5, "on": true}, "none": null});
        assert_eq!(fields(&value), "draws       7\ninner.on    yes\ninner.rate  99.5\nnone        -\n");
        let runs = [json!({"peers": 4, "verdict": "right"}), json!({"peers": 1, "x": 0.25})];
        assert_eq!(
            objects(&runs, &["verdict", "seconds", "peers"]),
            "VERDICT  PEERS     X\nright        4     -\n-            1  0.25\n"
        );
    }

    #[test]
    fn when_a_run_finished_is_a_date() {
        let runs = [json!({"verdict": "right", "finished": 1_795_344_241})];
        assert_eq!(
            objects(&runs, &["finished"]),
            "                FINISHED  VERDICT\n2026-11-22T10:44:01.000Z  right\n"
        );
    }

    #[test]
    fn settings_look_like_the_file_and_diff_leaves_defaults_out() {
        let all = [
            json!({"section": "node", "key": "name", "value": "lab1/alice", "origin": "a.toml:2"}),
            json!({"section": "swarm", "key": "peers", "value": ["127.0.0.2:9900"], "origin": "--peer"}),
            json!({"section": "swarm", "key": "id", "value": "default", "origin": "default"}),
        ];
        assert_eq!(
            settings(&all, true),
            "[node]\nname = \"lab1/alice\"         # a.toml:2\n\n[swarm]\npeers = [\"127.0.0.2:9900\"]  # --peer\n"
        );
        assert!(settings(&all, false).ends_with("id = \"default\"              # default\n"));
    }
}
