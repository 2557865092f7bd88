//! As much of Markdown as docs/control-protocol.md uses, as man(7): headings, paragraphs, tables, code.
//!
//! A table becomes a list: its first column is what is explained, the others explain it.

use super::roff;

pub(super) fn to_roff(document: &str) -> String {
    let mut page = String::new();
    let mut lines = document.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            page += &format!(".SH {}\n", heading.to_uppercase());
        } else if line.starts_with("```") {
            page += ".PP\n.nf\n.RS 2\n";
            page.extend(lines.by_ref().take_while(|line| *line != "```").map(|line| roff::text(line) + "\n"));
            page += ".RE\n.fi\n.PP\n";
        } else if line.starts_with('|') {
            let header = cells(line);
            lines.next().filter(|rule| rule.starts_with("|---")).expect("a rule below the header");
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                page += &entry(&header, &cells(row));
            }
        } else if line.is_empty() {
            page += ".PP\n";
        } else {
            assert!(!line.starts_with(['#', '-', '*', '>']), "not understood: {line}");
            let mut paragraph = line.to_owned();
            while let Some(line) =
                lines.next_if(|line| !line.is_empty() && !line.starts_with(['|', '`', '#']))
            {
                paragraph += &format!("\n{line}");
            }
            page += &(inline(&paragraph) + "\n");
        }
    }
    // A paragraph mark means nothing beside another mark.
    let lines: Vec<&str> = page.lines().collect();
    let is_mark = |line: &&&str| [".PP", ".SH", ".TP"].iter().any(|mark| line.starts_with(mark));
    let is_idle = |at: usize| {
        let is_first = at == 0 || lines[at - 1].starts_with(".SH");
        lines[at] == ".PP" && (is_first || lines.get(at + 1).as_ref().is_none_or(is_mark))
    };
    let kept = (0..lines.len()).filter(|at| !is_idle(*at)).map(|at| lines[at].to_owned() + "\n");
    kept.collect()
}

/// A bar in code is no border.
fn cells(row: &str) -> Vec<String> {
    let row = row.trim().trim_start_matches('|').trim_end_matches('|');
    row.split('|').map(|cell| cell.trim().to_owned()).collect()
}

fn entry(header: &[String], cells: &[String]) -> String {
    let (first, others) = cells.split_first().expect("a row has cells");
    let mut entry = format!(".TP\n{}\n", inline(first));
    let named: Vec<String> = header
        .iter()
        .skip(1)
        .zip(others)
        .filter(|(_, cell)| !cell.is_empty())
        .map(|(name, cell)| match others {
            [_] => inline(cell),
            _ => format!("{}: {}", inline(name), inline(cell)),
        })
        .collect();
    if named.is_empty() {
        entry += "\\&\n";
    } else {
        entry += &(named.join("\n.br\n") + "\n");
    }
    entry
}

/// `code` is bold; a link is its text.
fn inline(text: &str) -> String {
    let text = roff::text(text).replace("**", "");
    let mut marked = String::new();
    for (at, part) in text.split('`').enumerate() {
        marked += &if at % 2 == 1 { format!("\\fB{part}\\fR") } else { part.to_owned() };
    }
    assert!(text.matches('`').count().is_multiple_of(2), "code goes over the end of the line: {text}");
    marked
}
