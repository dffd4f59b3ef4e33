//! Every kernel, with every option, tile and number format and many sizes, is valid WGSL, is written as what it must run
//! as with no GPU at hand, and keeps to the workgroup memory and the buffers that it was made for. The plain ones are
//! written as SPIR-V, MSL and HLSL, those on matrix units of 16 × 16 as SPIR-V, of 8 × 8 as MSL.

use crate::emulation::emulate;
use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module};
use sinew::lstm::testing::{CellOptions, Kernel, Pass, TILES, Tile, TileSize};
use sinew::lstm::{Dims, GpuLimits, MatrixUnits, Plan, PlanKind, Precision};

const HIDDEN: [usize; 9] = [1, 7, 64, 128, 200, 256, 512, 768, 1024];
/// Bytes of workgroup memory: WebGPU's guarantee, Metal's and DX12's 32 KiB, and a large GPU's.
const MEMORY: [usize; 3] = [16 << 10, 32 << 10, 48 << 10];
/// Storage buffers that the engine asks of a device.
const BUFFERS: usize = 11;

fn options(hidden: usize) -> impl Iterator<Item = CellOptions> {
    (0..16).map(move |bits| CellOptions {
        hidden: hidden as u32,
        peephole: bits & 1 != 0,
        masked: bits & 2 != 0,
        lengths: bits & 4 != 0,
        precision: Precision::ALL[bits / 8],
    })
}

/// No capability beyond plain WebGPU, but f16 where it is asked for.
fn plain(cell: CellOptions) -> Capabilities {
    match cell.precision {
        Precision::F32 => Capabilities::empty(),
        Precision::F16 => Capabilities::SHADER_FLOAT16,
    }
}

fn parse(kernel: Kernel, source: &str, needed: Capabilities) -> (Module, ModuleInfo) {
    assert!(!source.contains("{{"), "{kernel:?}: a value is missing");
    let module = naga::front::wgsl::parse_str(source)
        .unwrap_or_else(|e| panic!("{kernel:?}: {}", e.emit_to_string(source)));
    let info = Validator::new(ValidationFlags::all(), needed)
        .validate(&module)
        .unwrap_or_else(|e| panic!("{kernel:?}: {}", e.emit_to_string(source)));
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
fn check(kernel: Kernel, cell: CellOptions) -> usize {
    let (module, info) = parse(kernel, &kernel.source(), plain(cell));
    translate(kernel, &module, &info);
    sizes(kernel, &module)
}

/// The bytes of workgroup memory of a kernel that keeps to its threads, memory and buffers.
fn sizes(kernel: Kernel, module: &Module) -> usize {
    let entry = &module.entry_points[0];
    assert_eq!(
        (entry.workgroup_size, module.entry_points.len()),
        ([kernel.threads(), 1, 1], 1)
    );
    let names = kernel.bindings().count();
    assert_eq!(buffers(module), names, "{kernel:?}");
    assert!(names <= BUFFERS, "{kernel:?}");
    let bytes = workgroup_bytes(module);
    assert!(bytes <= kernel.memory(), "{kernel:?}: {bytes} bytes");
    bytes
}

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

/// The tile of a plan that has one of its own.
fn tile(plan: Plan) -> Tile {
    *TILES.iter().find(|tile| tile.name == plan.name()).unwrap()
}

/// Both passes with a tile.
fn passes(tile: Tile, cell: CellOptions, units: Option<MatrixUnits>) -> [Kernel; 2] {
    Pass::BOTH.map(|pass| Kernel::of_pass(tile.size, pass, cell, units).unwrap())
}

#[test]
fn resident_kernels() {
    let mut tiles = Vec::new();
    for hidden in HIDDEN {
        for plan in Plan::each().filter(|plan| plan.kind() == PlanKind::Resident) {
            // 48 KiB hold every tile that the smaller memories do.
            let Ok(plan) = plan.supports(&limits(MEMORY[2]), dims(hidden), Precision::F32) else {
                continue;
            };
            tiles.push(plan.name());
            for cell in options(hidden) {
                for kernel in passes(tile(plan), cell, None) {
                    check(kernel, cell);
                }
            }
        }
    }
    println!("{} tiles", tiles.len());
    let resident = Plan::each().filter(|plan| plan.kind() == PlanKind::Resident);
    assert!(resident.map(Plan::name).all(|name| tiles.contains(&name)));
}

#[test]
fn stepwise_and_previous_hidden_kernels() {
    let mut most = 0;
    for cell in HIDDEN.into_iter().flat_map(options) {
        for tile in TILES {
            if let TileSize::Stepwise(..) = tile.size {
                for kernel in passes(tile, cell, None) {
                    most = most.max(check(kernel, cell));
                }
            }
        }
        check(Kernel::PreviousHidden(cell), cell);
    }
    println!("at most {most} bytes of workgroup memory");
    assert!(most <= MEMORY[0], "they run everywhere");
}

/// `OpCooperativeMatrixMulAddKHR`.
const MULTIPLY: u32 = 4459;

#[test]
fn stepwise_kernels_on_matrix_units() {
    let needed =
        Capabilities::COOPERATIVE_MATRIX | Capabilities::SHADER_FLOAT16 | Capabilities::SUBGROUP;
    let half = |cell: &CellOptions| cell.precision == Precision::F16;
    for cell in HIDDEN.into_iter().flat_map(options).filter(half) {
        let tiles = TILES.into_iter();
        let tiles = tiles.filter(|tile| matches!(tile.size, TileSize::StepwiseUnits(_)));
        let both = [MatrixUnits::Of16, MatrixUnits::Of8];
        for (tile, units) in tiles.flat_map(|tile| both.map(|units| (tile, units))) {
            for kernel in passes(tile, cell, Some(units)) {
                let source = kernel.source();
                let (module, info) = parse(kernel, &source, needed);
                let bytes = sizes(kernel, &module);
                assert!(bytes <= 32 << 10, "Metal's threadgroup memory");
                // With plain WGSL in the built-ins' place it needs no more than any other.
                parse(kernel, &emulate(&source, 32), plain(cell));
                if units == MatrixUnits::Of16 {
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
