//! docs/settings.md is made from the table of settings: `UPDATE=1 cargo test -p lineswarmd the_page_of_settings`.

use super::*;
use std::fmt::Write;

const BEGIN: &str = "<!-- settings begin -->\n";
const END: &str = "<!-- settings end -->\n";

fn rows() -> String {
    let defaults = load(&[]).unwrap();
    let mut rows =
        String::from("| setting | default | flag | reload | says |\n| --- | --- | --- | --- | --- |\n");
    for Effective { setting, value, .. } in defaults.effective() {
        let changeable = CHANGEABLE.contains(&(setting.section, setting.key));
        let reload = if changeable { "yes" } else { "" };
        let (name, flag) = (setting.name(), setting.flag());
        let says = setting.doc.replace('|', "\\|").replace('<', "&lt;");
        writeln!(rows, "| `{name}` | `{value}` | `--{flag}` | {reload} | {says} |").unwrap();
    }
    rows
}

#[test]
fn the_page_of_settings_is_made_from_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("where the table begins");
    let (written, after) = rest.split_once(END).expect("where the table ends");
    let rows = rows();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{rows}{END}{after}")).unwrap();
    } else {
        assert_eq!(written, rows, "UPDATE=1 cargo test -p lineswarmd the_page_of_settings");
    }
}
