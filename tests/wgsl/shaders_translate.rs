//! Every kernel, with every option, tile and number format and many sizes, is valid WGSL, is written as what it must run
//! as with no GPU at hand, and keeps to the workgroup memory and the buffers that it was made for. The plain ones are
//! written as SPIR-V, MSL and HLSL, those on matrix units of 16 × 16 as SPIR-V, of 8 × 8 as MSL.

use crate::emulated_text::emulate;
use crate::lstm::kernel::{CellOptions, Kernel, Pass, TILES, Tile, TileSize};
use crate::lstm::matrix_units::MatrixUnits;
use crate::lstm::precision::Precision;
use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module};

const HIDDEN: [usize; 9] = [1, 7, 64, 128, 200, 256, 512, 768, 1024];
/// Bytes of workgroup memory that WebGPU guarantees.
const GUARANTEED: usize = 16 << 10;
/// Bytes of workgroup memory of a large GPU, which hold every tile that smaller ones do.
const LARGE: usize = 48 << 10;
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

/// Both passes with a tile.
fn passes(tile: Tile, cell: CellOptions, units: Option<MatrixUnits>) -> [Kernel; 2] {
    Pass::BOTH.map(|pass| Kernel::of_pass(tile.size, pass, cell, units).unwrap())
}

#[test]
fn resident_kernels() {
    let resident = |tile: &&Tile| matches!(tile.size, TileSize::Resident(_));
    for tile in TILES.iter().filter(resident) {
        let mut sizes = 0;
        for cell in HIDDEN.into_iter().flat_map(options) {
            for kernel in passes(*tile, cell, None) {
                if kernel.possible() && kernel.memory() <= LARGE {
                    check(kernel, cell);
                    sizes += 1;
                }
            }
        }
        println!("{}: {sizes} kernels", tile.name);
        assert!(sizes > 0, "{} runs nowhere", tile.name);
    }
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
    assert!(most <= GUARANTEED, "they run everywhere");
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
