//! Documents are right about the project: links lead to files and headings, shown commands are accepted by the program,
//! scripts exist, and the first page stays short.

use crate::command::sinew;
use std::fs;
use std::path::{Path, PathBuf};

/// Words of the README, code included.
const README_WORDS: usize = 1_000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Markdown files of the project, below a folder.
fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            documents(&path, found);
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// Each document with its path below the root.
fn texts() -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    documents(root(), &mut paths);
    paths.sort();
    assert!(paths.len() > 5, "documents are found: {paths:?}");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("UTF-8 text");
        (path.strip_prefix(root()).unwrap().to_path_buf(), text)
    };
    paths.into_iter().map(read).collect()
}

/// The lines of fenced code blocks, each with the language of its block, and all other text.
fn parts(text: &str) -> (Vec<(&str, &str)>, String) {
    let (mut code, mut prose, mut language) = (Vec::new(), String::new(), None);
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), language) {
            (Some(name), None) => language = Some(name.trim()),
            (Some(_), Some(_)) => language = None,
            (None, Some(name)) => code.push((name, line.trim())),
            (None, None) => {
                prose.push_str(line);
                prose.push('\n');
            }
        }
    }
    (code, prose)
}

/// The targets of `[text](target)`.
fn links(prose: &str) -> Vec<&str> {
    let ends = prose.split("](").skip(1);
    ends.filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .collect()
}

/// The anchor that a heading gets on GitHub.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn has_heading(text: &str, wanted: &str) -> bool {
    let (_, prose) = parts(text);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(line.trim_start_matches('#')))
        .any(|found| found == wanted)
}

#[test]
fn links_lead_somewhere() {
    let mut dead = Vec::new();
    for (document, text) in texts() {
        let (_, prose) = parts(&text);
        for link in links(&prose)
            .into_iter()
            .filter(|link| !link.starts_with("http"))
        {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => root().join(&document),
                _ => root().join(&document).parent().unwrap().join(file),
            };
            let found = target.exists()
                && (heading.is_empty()
                    || fs::read_to_string(&target).is_ok_and(|text| has_heading(&text, heading)));
            if !found {
                dead.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

/// Calls of the program in a document: lines of shell blocks, and code within sentences that is a whole command.
fn calls(text: &str) -> Vec<String> {
    let (code, prose) = parts(text);
    let lines = code.into_iter().filter(|(language, _)| *language == "sh");
    let lines = lines.map(|(_, line)| line.split(" #").next().unwrap_or(line).to_string());
    let spans = prose
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|span| span.replace('\n', " "));
    let whole = |call: &String| call.starts_with("sinew ") && !call.contains(['…', '[', '|']);
    lines.chain(spans).filter(whole).collect()
}

#[test]
fn shown_commands_are_accepted() {
    let mut refused = Vec::new();
    let mut count = 0;
    for (document, text) in texts() {
        // The changelog also names what is gone.
        for call in calls(&text)
            .iter()
            .filter(|_| document != Path::new("CHANGELOG.md"))
        {
            // With --help the command is parsed up to there and not run.
            let words: Vec<&str> = call.split_whitespace().skip(1).chain(["--help"]).collect();
            let output = sinew(&words).output().expect("the program starts");
            count += 1;
            if !output.status.success() {
                let error = String::from_utf8_lossy(&output.stderr);
                let first = error.lines().next().unwrap_or_default().to_string();
                refused.push(format!("{}: {call}: {first}", document.display()));
            }
        }
    }
    assert!(refused.is_empty(), "refused:\n{}", refused.join("\n"));
    assert!(count > 30, "only {count} commands were found");
}

#[test]
fn named_scripts_exist() {
    let name = |rest: &str| -> String {
        rest.chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
            .collect()
    };
    for (document, text) in texts() {
        for rest in text.split("scripts/").skip(1) {
            let name = name(rest);
            let path = root().join("scripts").join(name.trim_end_matches('.'));
            assert!(
                path.exists(),
                "{}: there is no scripts/{name}",
                document.display()
            );
        }
    }
}

#[test]
fn the_first_page_is_short() {
    let text = fs::read_to_string(root().join("README.md")).expect("a README");
    let words = text.split_whitespace().count();
    assert!(words <= README_WORDS, "the README has {words} words");
    assert!(
        text.contains("scripts/test"),
        "the README names the test command"
    );
}

/// The layers of `src` in the order of its README, highest first: the first block, one layer a line, names before the
/// gap. A name further down or further right is lower.
fn layers() -> Vec<String> {
    let text = fs::read_to_string(root().join("src/README.md")).expect("the architecture");
    let block = text.split("```").nth(1).expect("a block of layers");
    let lines = block.lines().filter_map(|line| line.split("  ").next());
    let names = lines.flat_map(|names| names.split(','));
    let names = names.map(|name| name.trim().to_string());
    names.filter(|name| !name.is_empty()).collect()
}

/// Modules named right after `crate::` in code, comments left out.
fn used_modules(text: &str) -> Vec<String> {
    let code = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or(""));
    let code = code.collect::<Vec<_>>().join("\n");
    let first = |path: &str| -> String {
        let path = path.trim_start();
        path.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut used = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            used.push(first(rest));
            continue;
        };
        // The names at depth zero of a group, each at its start or after a comma.
        let (mut depth, mut start) = (0, 0);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    used.push(first(&group[start..at]));
                    start = at + 1;
                    if c == '}' {
                        break;
                    }
                }
                _ => {}
            }
        }
    }
    used
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn folders_use_only_what_is_below_them() {
    let (layers, src) = (layers(), root().join("src"));
    let mut paths = Vec::new();
    sources(&src, &mut paths);
    let mut wrong = Vec::new();
    for path in paths {
        let below = path.strip_prefix(&src).unwrap();
        let module = below.iter().next().unwrap().to_string_lossy();
        let module = module.trim_end_matches(".rs");
        let Some(place) = layers.iter().position(|name| name == module) else {
            assert_eq!(module, "lib", "src/README.md has a layer for {module}");
            continue;
        };
        let text = fs::read_to_string(&path).expect("UTF-8 text");
        for used in used_modules(&text) {
            let Some(at) = layers.iter().position(|name| *name == used) else {
                continue;
            };
            if at < place {
                wrong.push(format!("{}: {used} is above {module}", below.display()));
            }
            // The LSTM could be a crate of its own.
            if module == "lstm" && used != "lstm" {
                wrong.push(format!("{}: lstm uses {used}", below.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "against the layers of src/README.md:\n{}",
        wrong.join("\n")
    );
}
