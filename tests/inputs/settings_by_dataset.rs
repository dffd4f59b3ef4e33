//! A setting can have a value for each dataset, in any settings file; what is set later takes the place of all of them.

use crate::{clips, settings};
use sinew::rng::Rng;
use sinew::settings::{Auto, Dataset, Preset, Settings, SettingsFile};
use sinew::skeleton::{About, Layout};

/// The settings of a file over the default preset.
fn of_file(text: &str, sets: &[&str]) -> sinew::Result<Settings> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, text).expect("a file");
    Settings::layered(Preset::Sinew, Some(&SettingsFile::read(&path)?), sets)
}

const FILE: &str = "[model]\nhidden = { sbu = 24, other = 16 }\n[train]\nepochs = { ntu = 9 }\n";

#[test]
fn each_data_set_has_its_own() {
    let written = of_file(FILE, &[]).expect("settings");
    assert_eq!(written.model.hidden.on(Dataset::Sbu), Some(24));
    assert_eq!(written.model.hidden.on(Dataset::Clips), Some(16));
    assert_eq!(written.train.epochs.on(Dataset::Ntu), Some(9));
    assert_eq!(written.train.epochs.on(Dataset::Sbu), None, "open");
    let mut rng = Rng::new(1, &[]);
    for (dataset, layout, sizes) in [
        ("sbu", Layout::sbu15(), [24, 6, 240]),
        ("ntu", Layout::ntu25(), [16, 4, 9]),
        ("clips", Layout::ntu25(), [16, 4, 240]),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let clip = clips::clip("a", 0, 1, 20, &layout, false, &mut rng);
        let made = vec![(clip, About::default())];
        let prepared = clips::prepared(folder.path(), dataset, &layout, made);
        let resolved = settings::resolved_for_clips(&written, &prepared, &[0]).expect("settings");
        let (model, train) = (&resolved.model, &resolved.train);
        assert_eq!(
            [model.hidden, model.part_hidden, train.epochs],
            sizes,
            "{dataset}"
        );
        // The run's own settings have plain values.
        let text = resolved.to_toml().expect("TOML");
        assert!(
            text.contains(&format!("\nhidden = {}\n", sizes[0])),
            "{text}"
        );
    }
}

#[test]
fn a_later_layer_takes_the_place_of_all() {
    for (set, value) in [
        ("model.hidden=8", Auto::Value(8)),
        ("model.hidden=auto", Auto::Auto),
    ] {
        let written = of_file(FILE, &[set]).expect("settings");
        assert_eq!(written.model.hidden, value);
    }
    // On the command line too.
    let written = of_file("", &["model.hidden={ sbu = 24 }"]).expect("settings");
    assert_eq!(written.model.hidden.on(Dataset::Sbu), Some(24));
}

#[test]
fn names_and_ranges_are_checked() {
    for (set, why) in [
        ("model.hidden={ kinetics = 8 }", "kinetics"),
        (
            "model.hidden={ sbu = 9000 }",
            "model.hidden must be auto or from 1 to 8192",
        ),
        ("model.hidden={ sbu = 'many' }", "expected a whole number"),
        ("model.dropout={ sbu = 0.1 }", "wrong value"),
        ("model.hidden=automatic", "expected a whole number"),
    ] {
        let error = of_file("", &[set]).expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    }
}
