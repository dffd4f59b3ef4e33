//! Whatever settings derive from data they derive from training clips: without the test clips they come out the same.

use crate::clips;
use crate::settings;
use sinew::rng::Rng;
use sinew::settings::{Preset, ResolvedSettings};
use sinew::skeleton::{About, Clip, Layout};

/// The settings of a run on some clips, but for where these are.
fn derived(preset: Preset, protocol: &str, made: &[(Clip, About)]) -> ResolvedSettings {
    let folder = tempfile::tempdir().unwrap();
    let dataset = if protocol == "split" { "clips" } else { "ntu" };
    let layout = Layout::ntu25();
    let prepared = clips::prepared(folder.path(), dataset, &layout, made.to_vec());
    let protocol = format!("run.protocol={protocol}");
    let sets = [&protocol[..], "train.validation=0.2", "train.batch=4"];
    let written = settings::written(preset, &sets);
    let mut resolved = settings::resolved_for_run(&written, &prepared).unwrap();
    resolved.run.data = String::new();
    resolved.run.checksum = String::new();
    resolved
}

#[test]
fn with_and_without_the_test_clips() {
    for round in 0..4 {
        let mut rng = Rng::new(77, &[round]);
        let layout = Layout::ntu25();
        let pairs = round % 2 == 0;
        let mut all = Vec::new();
        for number in 0..24 {
            let test = number >= 12;
            // Test clips are longer, of more or fewer people, and far larger.
            let bodies = if pairs != test { 2 } else { 1 };
            let frames = if test { 90 } else { 20 } + number;
            let name = format!("c{number:02}");
            let mut clip = clips::clip(&name, number % 2, bodies, frames, &layout, false, &mut rng);
            if test {
                clip.data.iter_mut().for_each(|x| *x *= 50.0);
            }
            let about = About {
                // Performers 1 and 2 train in xsub, 3 is tested.
                performer: Some(if test { 3 } else { 1 + number as u32 % 2 }),
                setup: Some(1),
                camera: Some(1),
                ..About::in_split(if test { "test" } else { "train" })
            };
            all.push((clip, about));
        }
        for preset in Preset::ALL {
            for protocol in ["split", "xsub"] {
                let whole = derived(preset, protocol, &all);
                let training = derived(preset, protocol, &all[..12]);
                assert_eq!(whole, training, "{preset} {protocol}");
                if preset == Preset::Sinew {
                    assert!(
                        (20..32).contains(&whole.data.frames),
                        "{}",
                        whole.data.frames
                    );
                }
            }
        }
    }
}
