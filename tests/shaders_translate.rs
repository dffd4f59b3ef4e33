//! Every kernel, with every option and many sizes, is valid WGSL, is written as SPIR-V, MSL and HLSL with no GPU at
//! hand, and keeps to the workgroup memory and the buffers that it was made for.

use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module};
use sinew::lstm::shaders::{Kernel, Options, Stepwise, Tile};

const HIDDEN: [usize; 9] = [1, 7, 64, 128, 200, 256, 512, 768, 1024];
/// Bytes of workgroup memory: WebGPU's guarantee, Metal's and DX12's 32 KiB, and a large GPU's.
const MEMORY: [usize; 3] = [16 << 10, 32 << 10, 48 << 10];
const THREADS: [u32; 3] = [128, 256, 1024];
/// Storage buffers that the engine asks of a device.
const BUFFERS: usize = 11;

fn options(hidden: usize) -> impl Iterator<Item = Options> {
    (0..8).map(move |bits| Options {
        hidden: hidden as u32,
        peephole: bits & 1 != 0,
        masked: bits & 2 != 0,
        lengths: bits & 4 != 0,
    })
}

fn parse(kernel: Kernel) -> (Module, ModuleInfo) {
    let source = kernel.source();
    assert!(!source.contains("{{"), "{kernel:?}: a value is missing");
    let module = naga::front::wgsl::parse_str(&source)
        .unwrap_or_else(|e| panic!("{kernel:?}: {}", e.emit_to_string(&source)));
    // No capability beyond plain WebGPU.
    let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
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
    let (options, pipeline) = (hlsl::Options::default(), hlsl::PipelineOptions::default());
    let entries = hlsl::Writer::new(&mut direct, &options, &pipeline)
        .write(module, info, None)
        .unwrap_or_else(|e| panic!("{kernel:?} as HLSL: {e}"));
    assert!(entries.entry_point_names[0].is_ok());
    let [x, y] = kernel.workgroup();
    assert!(direct.contains(&format!("[numthreads({x}, {y}, 1)]")));
}

/// Validates and translates a kernel; returns its bytes of workgroup memory.
fn check(kernel: Kernel) -> usize {
    let (module, info) = parse(kernel);
    translate(kernel, &module, &info);
    let entry = &module.entry_points[0];
    let [x, y] = kernel.workgroup();
    assert_eq!(
        (entry.workgroup_size, module.entry_points.len()),
        ([x, y, 1], 1)
    );
    assert!(buffers(&module) <= BUFFERS, "{kernel:?}");
    workgroup_bytes(&module)
}

#[test]
fn resident_kernels() {
    let mut count = 0;
    for hidden in HIDDEN {
        for (memory, threads) in MEMORY.iter().flat_map(|m| THREADS.map(|t| (*m, t))) {
            let tile = Tile::choose(hidden, threads, memory);
            let tile = tile.unwrap_or_else(|| panic!("no tile for {hidden} in {memory}"));
            assert!(tile.threads <= threads && tile.rows() > 0);
            for options in options(hidden) {
                for kernel in [
                    Kernel::ResidentForward(options, tile),
                    Kernel::ResidentBackward(options, tile),
                ] {
                    let bytes = check(kernel);
                    assert!(bytes <= memory, "{kernel:?}: {bytes} of {memory} bytes");
                    count += 1;
                }
            }
        }
    }
    println!("{count} kernels, each in three languages");
}

#[test]
fn no_tile_where_no_row_fits() {
    for memory in MEMORY {
        let most = memory / 16;
        assert!(Tile::choose(most, 256, memory).is_some());
        assert_eq!(Tile::choose(most + 1, 256, memory), None);
    }
}

#[test]
fn stepwise_and_previous_hidden_kernels() {
    let mut most = 0;
    for options in HIDDEN.into_iter().flat_map(options) {
        let tile = Stepwise::default();
        for kernel in [
            Kernel::StepwiseForward(options, tile),
            Kernel::StepwiseBackward(options, tile),
            Kernel::PreviousHidden(options),
        ] {
            most = most.max(check(kernel));
        }
    }
    println!("at most {most} bytes of workgroup memory");
    assert!(most <= MEMORY[0], "they run everywhere");
}
