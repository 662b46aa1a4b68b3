//! The short form of a report within another page.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use super::run::write;
use crate::{Failure, Outcome};

/// Before and behind what is replaced.
pub const MARKERS: [&str; 2] = ["<!-- bench -->", "<!-- /bench -->"];

/// Puts a text between the markers of a file.
///
/// # Errors
/// When the file cannot be read or written, or has no markers.
pub fn put(path: &Path, text: &str) -> Outcome {
    let shown = path.display();
    let page = fs::read_to_string(path).map_err(Failure::of(format!("cannot read {shown}")))?;
    let page = between_markers(&page, text).ok_or_else(|| {
        let [before, behind] = MARKERS;
        Failure::new(format!(
            "{shown} does not say where the figures go: add the lines \"{before}\" and \"{behind}\""
        ))
    })?;
    write(path, &page)
}

/// The way from the folder of a file to another folder, with a slash at its end; both are below the same folder.
///
/// # Errors
/// When one of them does not exist.
pub fn way(from_file: &Path, to_folder: &Path) -> Outcome<String> {
    let whole = |path: &Path| {
        let failed = Failure::of(format!("cannot find {}", path.display()));
        fs::canonicalize(path).map_err(failed)
    };
    let (from, to) = (whole(from_file)?, whole(to_folder)?);
    let from: Vec<_> = from
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .collect();
    let to: Vec<_> = to.components().collect();
    let pairs = from.iter().zip(&to);
    let shared = pairs.take_while(|(one, other)| one == other).count();
    let up = from[shared..].iter().map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(to[shared..].iter().copied()).collect();
    let parts = way.iter().map(|part| part.to_string_lossy() + "/");
    Ok(parts.collect())
}

fn between_markers(page: &str, text: &str) -> Option<String> {
    let [before, behind] = MARKERS;
    let (head, rest) = page.split_once(before)?;
    let (_, tail) = rest.split_once(behind)?;
    Some(format!("{head}{before}\n{}\n{behind}{tail}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder;

    #[test]
    fn what_stands_between_the_markers_is_replaced_and_the_rest_stays() {
        let page = "# Head\n<!-- bench -->\nold\n<!-- /bench -->\ntail\n";
        let once = between_markers(page, "| new |\n").unwrap();
        assert_eq!(
            once,
            "# Head\n<!-- bench -->\n| new |\n<!-- /bench -->\ntail\n"
        );
        assert_eq!(between_markers(&once, "| new |\n"), Some(once));
        assert_eq!(between_markers("# Head\n<!-- bench -->\n", "new"), None);
    }

    #[test]
    fn a_page_without_markers_is_told_how_to_get_them_and_stays_as_it_is() {
        let path = folder::fresh("report-readme").unwrap().join("README.md");
        fs::write(&path, "# Head\n").unwrap();
        let failure = put(&path, "new").unwrap_err().to_string();
        assert!(
            failure.contains("add the lines \"<!-- bench -->\""),
            "{failure}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "# Head\n");
    }

    #[test]
    fn the_way_to_a_folder_goes_up_and_down() {
        let folder = folder::fresh("report-way").unwrap();
        folder::make(&folder.join("docs/bench")).unwrap();
        folder::make(&folder.join("pages")).unwrap();
        for page in ["README.md", "pages/one.md"] {
            fs::write(folder.join(page), "").unwrap();
        }
        let way_from = |page: &str| way(&folder.join(page), &folder.join("docs/bench")).unwrap();
        assert_eq!(way_from("README.md"), "docs/bench/");
        assert_eq!(way_from("pages/one.md"), "../docs/bench/");
        assert!(way(&folder.join("README.md"), &folder.join("none")).is_err());
    }
}
