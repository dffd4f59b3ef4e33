//! Every kernel of `shaders/` is in the list of twins and in `Kernel`, and its twin takes the same buffers in the same
//! order; every shared piece is part of a kernel.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sinew::lstm::testing::{CellOptions, Kernel, OperandLayout, Pass, Squares, TILES};
use sinew::lstm::twin::NAMES;
use sinew::lstm::{MatrixUnits, Precision};

fn root(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// Names and texts of a folder's files of one kind.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(root(folder)).unwrap();
    let paths = entries.map(|e| e.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|p| p.extension().is_some_and(|e| e == ending))
        .map(|p| {
            let name = p.file_stem().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&p).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Name and text of one kernel of each kind.
fn sources() -> Vec<(&'static str, String)> {
    let cell = CellOptions {
        hidden: 8,
        peephole: false,
        masked: false,
        lengths: false,
        precision: Precision::F16,
    };
    let units = MatrixUnits::Of16;
    let layout = OperandLayout {
        deep: true,
        fours: false,
    };
    let squares = Squares { down: 2, across: 2 };
    let mut kernels = vec![
        Kernel::PreviousHidden(cell),
        Kernel::Largest,
        Kernel::ProductUnits([layout; 2], squares, units),
    ];
    let mut named = BTreeSet::new();
    for tile in TILES {
        for pass in Pass::BOTH {
            let kernel = Kernel::of_pass(tile.size, pass, cell, Some(units)).unwrap();
            if named.insert(kernel.name()) {
                kernels.push(kernel);
            }
        }
    }
    kernels.iter().map(|k| (k.name(), k.source())).collect()
}

#[test]
fn files_twins_and_kernels_are_the_same_set() {
    let set = |names: Vec<String>| names.into_iter().collect::<BTreeSet<_>>();
    let shaders = set(files("shaders", "wgsl").into_iter().map(|f| f.0).collect());
    let twins = set(NAMES.iter().map(|n| n.to_string()).collect());
    let kinds = set(sources().iter().map(|(n, _)| n.to_string()).collect());
    assert_eq!(shaders, twins, "shaders/ and twin::NAMES");
    assert_eq!(shaders, kinds, "shaders/ and Kernel");
    assert_eq!(NAMES.len(), twins.len(), "a name once");
    assert_eq!(sources().len(), kinds.len(), "a name for each kind");
}

/// A line of a file that has no placeholder, and says what the file is: its first that imports nothing.
fn first_line(text: &str) -> &str {
    let mut lines = text.lines();
    lines
        .find(|line| !line.is_empty() && !line.starts_with("// #import"))
        .unwrap()
}

#[test]
fn every_kernel_is_made_of_its_own_file() {
    let shaders = files("shaders", "wgsl");
    let shared = files("shaders/shared", "wgsl");
    let sources = sources();
    for (kernel, source) in &sources {
        assert!(
            !source.contains("#import"),
            "{kernel} imports what is not there"
        );
        for (name, text) in &shaders {
            let there = source.contains(first_line(text));
            assert_eq!(there, name == kernel, "{name} in {kernel}");
        }
    }
    for (name, text) in shared {
        let used = sources.iter().any(|(_, s)| s.contains(first_line(&text)));
        assert!(used, "no kernel has shared/{name}");
    }
}

/// Names of a shader's buffers, by their binding numbers.
fn bindings(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|l| l.contains("@binding("));
    lines
        .enumerate()
        .map(|(number, line)| {
            assert!(line.contains(&format!("@binding({number})")), "{line}");
            let (_, after) = line.split_once("read_write> ").expect(line);
            after.split_once(':').expect(line).0.to_string()
        })
        .collect()
}

/// Names of the slices that a twin takes, in order.
fn parameters(name: &str, text: &str) -> Vec<String> {
    let (_, after) = text.split_once(&format!("pub fn {name}(")).expect(name);
    let (list, _) = after.split_once(')').expect(name);
    let named = list.split(',').filter_map(|p| p.split_once(':'));
    let slices = named.filter(|(_, kind)| kind.contains('['));
    slices.map(|(n, _)| n.trim().to_string()).collect()
}

#[test]
fn twins_take_the_shaders_buffers_in_order() {
    for (name, shader) in files("shaders", "wgsl") {
        let twin = fs::read_to_string(root("src/lstm/twin").join(format!("{name}.rs")));
        let twin = twin.unwrap_or_else(|e| panic!("the twin of {name}: {e}"));
        assert!(bindings(&shader).len() >= 3, "{name}'s buffers were found");
        assert_eq!(bindings(&shader), parameters(&name, &twin), "{name}");
    }
}
