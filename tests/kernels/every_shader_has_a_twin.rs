//! Every kernel of `shaders/` is in the list of twins and in `Kernel`, and its twin takes the same buffers in the same
//! order; every shared piece is part of a kernel.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sinew::lstm::product::shaders as products;
use sinew::lstm::shaders::{Kernel, Options};
use sinew::lstm::twin::NAMES;
use sinew::lstm::units::Fragments;
use sinew::lstm::{Precision, Resident, Squares, Stepwise};

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

/// With plain WGSL in the place of matrix units, which is a shared piece too.
const FRAGMENTS: Fragments = Fragments {
    side: 16,
    emulated: Some(32),
};

/// One kernel of each kind. A new kind stops this from compiling until it is in both.
fn kernels() -> Vec<Kernel> {
    let options = Options {
        hidden: 8,
        peephole: false,
        masked: false,
        lengths: false,
        precision: Precision::F32,
    };
    let tile = Resident::of(8, 8).unwrap();
    let pair = Stepwise::SIZES[0];
    let squares = Squares::SIZES[0];
    let half = Options {
        precision: Precision::F16,
        ..options
    };
    let kernels = vec![
        Kernel::ResidentForward(options, tile),
        Kernel::ResidentBackward(options, tile),
        Kernel::StepwiseForward(options, pair.forward),
        Kernel::StepwiseBackward(options, pair.backward),
        Kernel::StepwiseUnitsForward(half, squares, FRAGMENTS),
        Kernel::StepwiseUnitsBackward(half, squares, FRAGMENTS),
        Kernel::PreviousHidden(options),
    ];
    for kernel in &kernels {
        match kernel {
            Kernel::ResidentForward(..)
            | Kernel::ResidentBackward(..)
            | Kernel::StepwiseForward(..)
            | Kernel::StepwiseBackward(..)
            | Kernel::StepwiseUnitsForward(..)
            | Kernel::StepwiseUnitsBackward(..)
            | Kernel::PreviousHidden(..) => {}
        }
    }
    kernels
}

/// One kernel of each kind of product. A new kind stops this from compiling until it is in both.
fn product_kernels() -> Vec<products::Kernel> {
    use products::Kernel;
    let layouts = [products::Layout {
        deep: true,
        fours: false,
    }; 2];
    let kernels = vec![
        Kernel::Largest,
        Kernel::Product(layouts),
        Kernel::ProductUnits(layouts, FRAGMENTS, 2),
    ];
    for kernel in &kernels {
        match kernel {
            Kernel::Largest | Kernel::Product(..) | Kernel::ProductUnits(..) => {}
        }
    }
    kernels
}

/// Name and text of every kind.
fn sources() -> Vec<(&'static str, String)> {
    let mut all: Vec<_> = kernels().iter().map(|k| (k.name(), k.source())).collect();
    all.extend(product_kernels().iter().map(|k| (k.name(), k.source())));
    all
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

/// A line of a file that has no placeholder, and says what the file is: its first.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap()
}

#[test]
fn every_kernel_is_made_of_its_own_file() {
    let shaders = files("shaders", "wgsl");
    let shared = files("shaders/shared", "wgsl");
    let sources = sources();
    for (kernel, source) in &sources {
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
