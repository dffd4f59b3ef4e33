//! A path that computes wrongly, or does not run, is turned off before it is used, and one line says so.

use crate::devices;
use sinew::lstm::testing::{ERROR_LIMIT, Path, path_error, usable_paths};
use sinew::lstm::{MatrixUnits, Plan, Precision, Products, self_test};

type Found = Result<f64, String>;

const OF_16: Products = Products::MatrixUnits(MatrixUnits::Of16);

/// The usable paths where every path is right but some.
fn with(units: Option<MatrixUnits>, wrong: &[(Path, Found)]) -> (Precision, Products, String) {
    let mut error = |path: Path| {
        let found = wrong.iter().find(|(p, _)| *p == path);
        found.map_or(Ok(3e-4), |(_, found)| found.clone())
    };
    let found = usable_paths("card", true, units, &mut error);
    (found.precision, found.products, found.notes.join("\n"))
}

#[test]
fn right_paths_are_used() {
    for units in [MatrixUnits::Of16, MatrixUnits::Of8] {
        let all = (Precision::F16, Products::MatrixUnits(units), String::new());
        assert_eq!(with(Some(units), &[]), all);
    }
    let (precision, products, notes) = with(None, &[]);
    assert_eq!((precision, products), (Precision::F16, Products::F32));
    assert!(notes.contains("no matrix units"), "{notes}");
    // Without f16 in shaders nothing of the recurrence is tried.
    let mut error = |path| match path {
        Path::Recurrence(_) | Path::Steps(_) => panic!("it cannot run"),
        Path::Product(_) => Ok(0.0),
    };
    let found = usable_paths("card", false, None, &mut error);
    assert_eq!(
        (found.precision, found.products),
        (Precision::F32, Products::F32)
    );
    assert!(found.notes[0].contains("no f16"), "{:?}", found.notes);
}

#[test]
fn wrong_matrix_units_stay_off() {
    for wrong in [
        Ok(1.0),
        Ok(2.0 * ERROR_LIMIT),
        Ok(f64::INFINITY),
        Ok(f64::NAN),
        Err("refused".into()),
    ] {
        let wrong = [(Path::Product(MatrixUnits::Of16), wrong)];
        let (precision, products, notes) = with(Some(MatrixUnits::Of16), &wrong);
        assert_eq!((precision, products), (Precision::F16, Products::F32));
        assert!(
            notes.contains("matrix-unit product of card stays off"),
            "{notes}"
        );
        assert_eq!(notes.lines().count(), 1);
    }
}

/// Its products stay on matrix units, its plans do not.
#[test]
fn wrong_steps_on_matrix_units_stay_off() {
    let with_steps = |steps: Found| {
        let mut error = |path: Path| match path {
            Path::Steps(MatrixUnits::Of16) => steps.clone(),
            _ => Ok(3e-4),
        };
        usable_paths("card", true, Some(MatrixUnits::Of16), &mut error)
    };
    assert!(with_steps(Ok(3e-4)).steps);
    for wrong in [Ok(1.0), Ok(f64::NAN), Err("refused".into())] {
        let found = with_steps(wrong);
        assert_eq!((found.products, found.steps), (OF_16, false));
        let note = found.notes.join("\n");
        assert!(
            note.contains("matrix-unit recurrence of card stays off"),
            "{note}"
        );
    }
}

#[test]
fn f32_is_what_remains() {
    for plan in Plan::PLAIN {
        let wrong = [(Path::Recurrence(plan), Ok(0.5))];
        let (precision, products, notes) = with(Some(MatrixUnits::Of16), &wrong);
        assert_eq!((precision, products), (Precision::F32, OF_16));
        assert!(
            notes.contains("f16 recurrence of card stays off"),
            "{notes}"
        );
    }
}

/// Every path on the devices at hand, right ones and one that software Vulkan lacks: it is refused, not fatal.
#[test]
fn on_the_devices_at_hand() {
    for compute in devices::devices() {
        let found = self_test(compute, Precision::F16);
        println!("{}: {found:?}", compute.name());
        assert_eq!(self_test(compute, Precision::F16), found);
        let plain = self_test(compute, Precision::F32);
        assert_eq!(
            (plain.precision, plain.products),
            (Precision::F32, Products::F32)
        );
        assert!(plain.notes.is_empty());
        let Some(adapter) = &compute.adapter else {
            continue;
        };
        assert_eq!(found.precision == Precision::F16, adapter.f16);
        if adapter.matrix_units.is_none() {
            let mut error = |path| path_error(&compute.device, path);
            let refused = usable_paths("card", true, Some(MatrixUnits::Of16), &mut error);
            assert_eq!(refused.products, Products::F32);
            assert!(
                refused.notes[0].contains("does not run"),
                "{:?}",
                refused.notes
            );
        }
    }
}
