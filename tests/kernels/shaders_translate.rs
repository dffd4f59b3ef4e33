//! Every kernel, with every option, tile and number format and many sizes, is valid WGSL, is written as what it must run
//! as with no GPU at hand, and keeps to the workgroup memory and the buffers that it was made for. The plain ones are
//! written as SPIR-V, MSL and HLSL, those on matrix units of 16 × 16 as SPIR-V, of 8 × 8 as MSL.

use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module};
use sinew::lstm::shaders::{Kernel, Options};
use sinew::lstm::units::Fragments;
use sinew::lstm::{Dims, Limits, Plan, Precision, Resident, Squares, Stepwise, Tiles, Walk};

const HIDDEN: [usize; 9] = [1, 7, 64, 128, 200, 256, 512, 768, 1024];
/// Bytes of workgroup memory: WebGPU's guarantee, Metal's and DX12's 32 KiB, and a large GPU's.
const MEMORY: [usize; 3] = [16 << 10, 32 << 10, 48 << 10];
/// Storage buffers that the engine asks of a device.
const BUFFERS: usize = 11;

fn options(hidden: usize) -> impl Iterator<Item = Options> {
    (0..16).map(move |bits| Options {
        hidden: hidden as u32,
        peephole: bits & 1 != 0,
        masked: bits & 2 != 0,
        lengths: bits & 4 != 0,
        precision: Precision::ALL[bits / 8],
    })
}

/// No capability beyond plain WebGPU, but f16 where it is asked for.
fn plain(kernel: Kernel) -> Capabilities {
    match kernel.options().precision {
        Precision::F32 => Capabilities::empty(),
        Precision::F16 => Capabilities::SHADER_FLOAT16,
    }
}

fn parse(kernel: Kernel, needed: Capabilities) -> (Module, ModuleInfo) {
    let source = kernel.source();
    assert!(!source.contains("{{"), "{kernel:?}: a value is missing");
    let module = naga::front::wgsl::parse_str(&source)
        .unwrap_or_else(|e| panic!("{kernel:?}: {}", e.emit_to_string(&source)));
    let info = Validator::new(ValidationFlags::all(), needed)
        .validate(&module)
        .unwrap_or_else(|e| panic!("{kernel:?}: {}", e.emit_to_string(&source)));
    (module, info)
}

/// Bytes of workgroup memory, each variable rounded up to 16.
fn workgroup_bytes(module: &Module) -> usize {
    let variables = module.global_variables.iter();
    variables
        .filter(|(_, v)| v.space == AddressSpace::WorkGroup)
        .map(|(_, v)| module.types[v.ty].inner.size(module.to_ctx()) as usize)
        .map(|bytes| bytes.next_multiple_of(16))
        .sum()
}

/// Buffers bound from 0 up without a gap.
fn buffers(module: &Module) -> usize {
    let variables = module.global_variables.iter();
    let bound = variables.filter_map(|(_, v)| v.binding.as_ref());
    let mut numbers: Vec<_> = bound.map(|b| (b.group, b.binding as usize)).collect();
    numbers.sort_unstable();
    let expected: Vec<_> = (0..numbers.len()).map(|n| (0, n)).collect();
    assert_eq!(numbers, expected);
    numbers.len()
}

fn translate(kernel: Kernel, module: &Module, info: &ModuleInfo) {
    let words = spv::write_vec(module, info, &spv::Options::default(), None)
        .unwrap_or_else(|e| panic!("{kernel:?} as SPIR-V: {e}"));
    assert_eq!(words[0], 0x0723_0203, "SPIR-V's magic number");

    let (metal, entries) = msl::write_string(
        module,
        info,
        &msl::Options {
            lang_version: (2, 0),
            ..msl::Options::default()
        },
        &msl::PipelineOptions::default(),
    )
    .unwrap_or_else(|e| panic!("{kernel:?} as MSL: {e}"));
    assert!(entries.entry_point_names[0].is_ok() && metal.contains("kernel void"));

    let mut direct = String::new();
    let options = hlsl::Options {
        // f16 came with 6.2.
        shader_model: hlsl::ShaderModel::V6_2,
        ..hlsl::Options::default()
    };
    let pipeline = hlsl::PipelineOptions::default();
    let entries = hlsl::Writer::new(&mut direct, &options, &pipeline)
        .write(module, info, None)
        .unwrap_or_else(|e| panic!("{kernel:?} as HLSL: {e}"));
    assert!(entries.entry_point_names[0].is_ok());
    assert!(direct.contains(&format!("[numthreads({}, 1, 1)]", kernel.threads())));
}

/// Validates and translates a kernel; returns its bytes of workgroup memory.
fn check(kernel: Kernel) -> usize {
    let (module, info) = parse(kernel, plain(kernel));
    translate(kernel, &module, &info);
    sizes(kernel, &module)
}

/// The bytes of workgroup memory of a kernel that keeps to its threads and buffers.
fn sizes(kernel: Kernel, module: &Module) -> usize {
    let entry = &module.entry_points[0];
    assert_eq!(
        (entry.workgroup_size, module.entry_points.len()),
        ([kernel.threads(), 1, 1], 1)
    );
    assert!(buffers(module) <= BUFFERS, "{kernel:?}");
    workgroup_bytes(module)
}

fn dims(hidden: usize) -> Dims {
    Dims {
        steps: 10,
        batch: 512,
        groups: 2,
        hidden,
    }
}

fn limits(memory: usize) -> Limits {
    Limits {
        threads: 256,
        memory,
        f16: true,
        fragments: Some(FRAGMENTS[0]),
    }
}

#[test]
fn resident_kernels() {
    let mut tiles = Vec::new();
    for hidden in HIDDEN {
        for plan in Plan::each() {
            // 48 KiB hold every tile that the smaller memories do.
            let Ok(Tiles::Resident(tile)) =
                plan.supports(limits(MEMORY[2]), dims(hidden), Precision::F32)
            else {
                continue;
            };
            tiles.push((hidden, tile));
            for options in options(hidden) {
                for kernel in [
                    Kernel::ResidentForward(options, tile),
                    Kernel::ResidentBackward(options, tile),
                ] {
                    let bytes = check(kernel);
                    assert!(bytes <= tile.memory(hidden), "{kernel:?}: {bytes} bytes");
                }
            }
        }
    }
    println!("{} tiles", tiles.len());
    assert!(
        Resident::ROWS
            .iter()
            .all(|rows| tiles.iter().any(|t| t.1.rows() == *rows as usize))
    );
}

#[test]
fn stepwise_and_previous_hidden_kernels() {
    let mut most = 0;
    for options in HIDDEN.into_iter().flat_map(options) {
        for pair in Stepwise::SIZES {
            for kernel in [
                Kernel::StepwiseForward(options, pair.forward),
                Kernel::StepwiseBackward(options, pair.backward),
            ] {
                most = most.max(check(kernel));
            }
        }
        check(Kernel::PreviousHidden(options));
    }
    println!("at most {most} bytes of workgroup memory");
    assert!(most <= MEMORY[0], "they run everywhere");
}

/// Those of Vulkan and of Metal.
const FRAGMENTS: [Fragments; 2] = [
    Fragments {
        side: 16,
        emulated: None,
    },
    Fragments {
        side: 8,
        emulated: None,
    },
];

/// `OpCooperativeMatrixMulAddKHR`.
const MULTIPLY: u32 = 4459;

#[test]
fn stepwise_kernels_on_matrix_units() {
    let needed =
        Capabilities::COOPERATIVE_MATRIX | Capabilities::SHADER_FLOAT16 | Capabilities::SUBGROUP;
    let half = |o: &Options| o.precision == Precision::F16;
    for options in HIDDEN.into_iter().flat_map(options).filter(half) {
        for (squares, fragments) in Squares::SIZES
            .into_iter()
            .flat_map(|s| FRAGMENTS.map(|f| (s, f)))
        {
            for kernel in [
                Kernel::StepwiseUnitsForward(options, squares, fragments),
                Kernel::StepwiseUnitsBackward(options, squares, fragments),
            ] {
                let (module, info) = parse(kernel, needed);
                let bytes = sizes(kernel, &module);
                assert!(
                    bytes <= squares.memory(fragments.side),
                    "{kernel:?}: {bytes} bytes"
                );
                assert!(bytes <= 32 << 10, "Metal's threadgroup memory");
                // With plain WGSL in the built-ins' place it needs no more than any other.
                let emulated = Fragments {
                    emulated: Some(32),
                    ..fragments
                };
                let played = match kernel {
                    Kernel::StepwiseUnitsForward(o, s, _) => {
                        Kernel::StepwiseUnitsForward(o, s, emulated)
                    }
                    _ => Kernel::StepwiseUnitsBackward(options, squares, emulated),
                };
                parse(played, plain(played));
                if fragments.side == 16 {
                    let options = spv::Options {
                        lang_version: (1, 3),
                        ..spv::Options::default()
                    };
                    let words = spv::write_vec(&module, &info, &options, None)
                        .unwrap_or_else(|e| panic!("{kernel:?} as SPIR-V: {e}"));
                    let count = words.iter().filter(|w| **w & 0xffff == MULTIPLY).count();
                    assert!(count >= 4, "{kernel:?}: four fragments of a square");
                } else {
                    let options = msl::Options {
                        lang_version: (2, 3),
                        ..msl::Options::default()
                    };
                    let (text, entries) =
                        msl::write_string(&module, &info, &options, &Default::default())
                            .unwrap_or_else(|e| panic!("{kernel:?} as MSL: {e}"));
                    assert!(entries.entry_point_names[0].is_ok());
                    let count = text.matches("= NagaCooperativeMultiplyAdd(").count();
                    assert_eq!(count, 16, "{kernel:?}: sixteen fragments of a square");
                }
            }
        }
    }
}

/// A plan runs where its workgroup memory is there, and says in one line why it does not where it is not.
#[test]
fn plans_say_why_they_do_not_run() {
    for (memory, hidden) in MEMORY.into_iter().flat_map(|m| HIDDEN.map(|h| (m, h))) {
        for precision in Precision::ALL {
            let ask = |plan: Plan| plan.supports(limits(memory), dims(hidden), precision);
            assert!(ask(Plan::STEPWISE).is_ok(), "stepwise runs everywhere");
            let any = Plan::each().any(|plan| matches!(ask(plan), Ok(Tiles::Resident(_))));
            assert_eq!(ask(Plan::RESIDENT).is_ok(), any, "{memory} {hidden}");
            for plan in Plan::each() {
                match ask(plan) {
                    Ok(tiles) => assert_eq!(tiles.plan(), plan, "a tile has one name"),
                    Err(why) => {
                        let line = why.to_string();
                        let reason = match (plan.walk, precision) {
                            (Walk::StepwiseUnits, Precision::F32) => "in f32",
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
        let without = Limits {
            fragments: None,
            ..limits(memory)
        };
        let half = |plan: Plan| plan.supports(without, dims(hidden), Precision::F16);
        let why = half(Plan::STEPWISE_UNITS).expect_err("it has no matrix units");
        assert!(why.to_string().contains("matrix units"), "{why}");
        assert!(half(Plan::STEPWISE).is_ok(), "its plain sibling");
        let without = Limits {
            f16: false,
            ..limits(memory)
        };
        for plan in Plan::ALL.into_iter().chain(Plan::each()) {
            assert!(
                plan.supports(without, dims(hidden), Precision::F16)
                    .is_err()
            );
            assert_eq!(Plan::from_name(plan.name()), Some(plan));
        }
    }
}
