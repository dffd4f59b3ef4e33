//! A path that computes wrongly, or does not run, is turned off before it is used, and one line says so.

use crate::devices;
use sinew::lstm::product::Units;
use sinew::lstm::self_test::{Found, LIMIT, Path, judge, measure, verdict};
use sinew::lstm::{Plan, Precision};
use sinew::recipe;

/// The verdict where every path is right but some.
fn with(best: Units, wrong: &[(Path, Found)]) -> (Precision, Units, String) {
    let mut error = |path: Path| {
        let found = wrong.iter().find(|(p, _)| *p == path);
        found.map_or(Ok(3e-4), |(_, found)| found.clone())
    };
    let verdict = judge("card", true, best, &mut error);
    (verdict.precision, verdict.units, verdict.notes.join("\n"))
}

#[test]
fn right_paths_are_used() {
    for units in [Units::Coop16, Units::Coop8] {
        assert_eq!(with(units, &[]), (Precision::F16, units, String::new()));
    }
    let (precision, units, notes) = with(Units::Plain, &[]);
    assert_eq!((precision, units), (Precision::F16, Units::Burn));
    assert!(notes.contains("no matrix units"), "{notes}");
    // Without f16 in shaders nothing of the recurrence is tried.
    let mut error = |path| match path {
        Path::Recurrence(_) | Path::Steps(_) => panic!("it cannot run"),
        Path::Product(_) => Ok(0.0),
    };
    let verdict = judge("card", false, Units::Plain, &mut error);
    assert_eq!(
        (verdict.precision, verdict.units),
        (Precision::F32, Units::Burn)
    );
    assert!(verdict.notes[0].contains("no f16"), "{:?}", verdict.notes);
}

#[test]
fn wrong_matrix_units_stay_off() {
    for wrong in [
        Ok(1.0),
        Ok(2.0 * LIMIT),
        Ok(f64::INFINITY),
        Ok(f64::NAN),
        Err("refused".into()),
    ] {
        let wrong = [(Path::Product(Units::Coop16), wrong)];
        let (precision, units, notes) = with(Units::Coop16, &wrong);
        assert_eq!((precision, units), (Precision::F16, Units::Burn));
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
    let verdict = |steps: Found| {
        let mut error = |path: Path| match path {
            Path::Steps(Units::Coop16) => steps.clone(),
            _ => Ok(3e-4),
        };
        judge("card", true, Units::Coop16, &mut error)
    };
    assert!(verdict(Ok(3e-4)).steps);
    for wrong in [Ok(1.0), Ok(f64::NAN), Err("refused".into())] {
        let found = verdict(wrong);
        assert_eq!((found.units, found.steps), (Units::Coop16, false));
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
        let (precision, units, notes) = with(Units::Coop16, &[(Path::Recurrence(plan), Ok(0.5))]);
        assert_eq!((precision, units), (Precision::F32, Units::Coop16));
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
        let found = verdict(compute, recipe::Precision::F16);
        println!("{}: {found:?}", compute.name());
        assert_eq!(verdict(compute, recipe::Precision::F16), found);
        let plain = verdict(compute, recipe::Precision::F32);
        assert_eq!(
            (plain.precision, plain.units),
            (Precision::F32, Units::Burn)
        );
        assert!(plain.notes.is_empty());
        let Some(adapter) = &compute.adapter else {
            continue;
        };
        assert_eq!(found.precision == Precision::F16, adapter.f16);
        if adapter.matrix_units.is_none() {
            let plain = measure(&compute.device, Path::Product(Units::Plain));
            assert!(plain.clone().is_ok_and(|error| error < LIMIT), "{plain:?}");
            let mut error = |path| measure(&compute.device, path);
            let refused = judge("card", true, Units::Coop16, &mut error);
            assert_eq!(refused.units, Units::Burn);
            assert!(
                refused.notes[0].contains("does not run"),
                "{:?}",
                refused.notes
            );
        }
    }
}
