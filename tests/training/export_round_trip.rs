//! Exported weights come back in unchanged: as a start, as a file to evaluate with, and through another export.

use crate::command::{made_data, must, must_fail, text, train};
use sinew::weights::Weights;

#[test]
fn out_and_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 24);
    for variant in [
        &[
            "--set",
            "model.temporal=hierarchical",
            "--set",
            "model.fusion=gated",
        ][..],
        &[
            "--set",
            "model.spatial=traversal",
            "--set",
            "model.peephole=true",
        ],
    ] {
        let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
        let file = folder.path().join("weights.safetensors");
        let settings = [variant, &["--epochs", "1", "--device", "cpu"]].concat();
        train(&data, &first, &settings);
        must(&[
            "export",
            text(&first),
            "--out",
            text(&file),
            "--checkpoint",
            "last",
        ]);
        let exported = Weights::read(&file).expect("weights");
        train(
            &data,
            &second,
            &[&settings[..], &["--init", text(&file)]].concat(),
        );
        let start = sinew::train::checkpoints(&second.join("checkpoints")).expect("a list");
        let start = Weights::read(&start[0]).expect("the checkpoint before the first step");
        assert!(
            start.parameters == exported.parameters,
            "weights changed on the way in"
        );
        let json = |checkpoint: &str| {
            must(&[
                "eval",
                text(&first),
                "--checkpoint",
                checkpoint,
                "--device",
                "cpu",
                "--json",
            ])
        };
        assert_eq!(json("last"), json(text(&file)));
        let wrong = must_fail(
            &[
                "train",
                text(&data),
                "--protocol",
                "xsub",
                "--out",
                text(&folder.path().join("no")),
                "--init",
                text(&file),
                "--set",
                "model.hidden=9",
                "--device",
                "cpu",
            ],
            1,
        );
        assert!(
            wrong.contains("start the run with") && wrong.contains("--set model.hidden=8"),
            "{wrong}"
        );
        for run in [first, second, folder.path().join("no")] {
            let _ = std::fs::remove_dir_all(run);
        }
    }
}
