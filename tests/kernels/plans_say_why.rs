//! A plan runs where a device has the workgroup memory, the number format and the matrix units for it; elsewhere it is
//! refused with the reason.

use sinew::lstm::{Dims, GpuLimits, MatrixUnits, Plan, PlanKind, Precision};

const HIDDEN: [usize; 9] = [1, 7, 64, 128, 200, 256, 512, 768, 1024];
/// Bytes of workgroup memory: WebGPU's guarantee, Metal's and DX12's 32 KiB, and a large GPU's.
const MEMORY: [usize; 3] = [16 << 10, 32 << 10, 48 << 10];

fn dims(hidden: usize) -> Dims {
    Dims {
        steps: 10,
        batch: 512,
        groups: 2,
        hidden,
    }
}

fn limits(memory: usize) -> GpuLimits {
    GpuLimits {
        threads: 256,
        memory,
        f16: true,
        matrix_units: Some(MatrixUnits::Of16),
        software: false,
    }
}

/// A plan runs where its workgroup memory is there, and says in one line why it does not where it is not.
#[test]
fn plans_say_why_they_do_not_run() {
    for (memory, hidden) in MEMORY.into_iter().flat_map(|m| HIDDEN.map(|h| (m, h))) {
        for precision in Precision::ALL {
            let ask = |plan: Plan| plan.supports(&limits(memory), dims(hidden), precision);
            assert!(ask(Plan::STEPWISE).is_ok(), "stepwise runs everywhere");
            let resident = |plan: &Plan| plan.kind() == PlanKind::Resident;
            let any = Plan::each().filter(resident).any(|plan| ask(plan).is_ok());
            assert_eq!(ask(Plan::RESIDENT).is_ok(), any, "{memory} {hidden}");
            for plan in Plan::each() {
                match ask(plan) {
                    Ok(own) => assert_eq!(own, plan, "a tile has one name"),
                    Err(why) => {
                        let line = why.to_string();
                        let reason = match (plan.kind(), precision) {
                            (PlanKind::StepwiseUnits, Precision::F32) => "in f32",
                            _ => "KiB",
                        };
                        assert!(
                            line.contains(plan.name()) && line.contains(reason),
                            "{line}"
                        );
                        assert!(
                            line.contains("use stepwise") && !line.contains('\n'),
                            "{line}"
                        );
                    }
                }
            }
        }
        let without = GpuLimits {
            matrix_units: None,
            ..limits(memory)
        };
        let half = |plan: Plan| plan.supports(&without, dims(hidden), Precision::F16);
        let why = half(Plan::STEPWISE_UNITS).expect_err("it has no matrix units");
        assert!(why.to_string().contains("matrix units"), "{why}");
        assert!(half(Plan::STEPWISE).is_ok(), "its plain sibling");
        let without = GpuLimits {
            f16: false,
            ..limits(memory)
        };
        for plan in Plan::ALL.into_iter().chain(Plan::each()) {
            assert!(
                plan.supports(&without, dims(hidden), Precision::F16)
                    .is_err()
            );
            assert_eq!(Plan::from_name(plan.name()), Some(plan));
        }
    }
}
