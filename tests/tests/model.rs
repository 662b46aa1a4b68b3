//! The models name the code that they stand for, and the code is still there.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(root().join(path)).ok()
}

/// One row of the table: which definitions of which module stand for which functions of which file.
struct Row<'a> {
    module: &'a str,
    definitions: Vec<&'a str>,
    file: &'a str,
    functions: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let (module, definitions) = cells.next()?.split_once(": ")?;
        Some(Self {
            module,
            definitions: definitions.split(", ").collect(),
            file: cells.next().filter(|file| file.starts_with("rust/"))?,
            functions: cells.next()?.split(' ').collect(),
        })
    }

    fn missing(&self) -> Vec<String> {
        let Self { module, file, .. } = self;
        let folder = module.to_lowercase();
        let model = read(&format!("tests/model/{folder}/{module}.tla")).unwrap_or_default();
        let code = read(file).unwrap_or_default();
        let definitions = self
            .definitions
            .iter()
            .filter(|name| !defines(&model, name));
        let functions = self.functions.iter().filter(|name| !has(&code, name));
        let undefined = definitions.map(|name| format!("{module}.tla does not define {name}"));
        let gone = functions.map(|name| format!("{file} has no function {name}"));
        undefined.chain(gone).collect()
    }
}

fn defines(model: &str, name: &str) -> bool {
    model.lines().any(|line| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with('(') || rest.starts_with(" =="))
    })
}

fn has(code: &str, function: &str) -> bool {
    ["(", "<"]
        .iter()
        .any(|end| code.contains(&format!("fn {function}{end}")))
}

#[test]
fn what_the_models_stand_for_is_there() {
    let readme = read("tests/model/README.md").unwrap();
    let rows: Vec<Row<'_>> = readme.lines().filter_map(Row::parse).collect();
    for module in ["Failover", "Hlc", "Progress", "Rounds"] {
        assert!(
            rows.iter().any(|row| row.module == module),
            "{module} stands for nothing"
        );
    }
    let missing: Vec<String> = rows.iter().flat_map(Row::missing).collect();
    assert!(
        missing.is_empty(),
        "look them up in tests/model/README.md:\n{}",
        missing.join("\n")
    );
}

#[test]
fn a_function_or_definition_that_is_gone_is_noticed() {
    let row = |line| Row::parse(line).unwrap().missing();
    assert_eq!(
        row("| Hlc: Hear | rust/protocol/src/hlc.rs | observe |"),
        [""; 0]
    );
    assert_eq!(
        row("| Hlc: Hear | rust/protocol/src/hlc.rs | obser |").len(),
        1
    );
    assert_eq!(
        row("| Hlc: He | rust/protocol/src/hlc.rs | observe |").len(),
        1
    );
    assert_eq!(
        row("| Hlc: Hear, Heard | rust/protocol/src/gone.rs | observe now |").len(),
        3
    );
}
