//! The list of operations in docs/api.md, made from the same table as the document.

use std::fmt::Write as _;

use super::table;

/// Where the list stands in the file.
const MARKS: [&str; 2] = ["<!-- operations -->\n", "<!-- /operations -->"];

/// The list, in Markdown.
fn markdown() -> String {
    let mut list = String::from("| | | |\n| --- | --- | --- |\n");
    for operation in table::operations() {
        let about = operation.about.replace('|', "\\|");
        let token = if operation.is_open { "; no token" } else { "" };
        let _ = writeln!(list, "| `{}` | `{}` | {about}{token} |", operation.method, operation.path);
    }
    list
}

/// `CCFLARE_WRITE_DOCS=1` writes it anew.
#[test]
fn the_documentation_lists_every_operation_and_nothing_else() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md");
    let text = std::fs::read_to_string(&file).expect("docs/api.md");
    let (before, rest) = text.split_once(MARKS[0]).expect("a mark before the list");
    let (_, after) = rest.split_once(MARKS[1]).expect("a mark behind the list");
    let should = format!("{before}{}{}{}{after}", MARKS[0], markdown(), MARKS[1]);
    if std::env::var_os("CCFLARE_WRITE_DOCS").is_some() {
        std::fs::write(&file, should).expect("written");
    } else {
        assert!(text == should, "docs/api.md is behind the routes: run this test with CCFLARE_WRITE_DOCS=1");
    }
}
