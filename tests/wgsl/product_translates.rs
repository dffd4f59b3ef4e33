//! Every kernel of the dense products is valid WGSL and is written with no GPU at hand as what it must run as: `largest` as
//! SPIR-V, MSL and HLSL, the products on matrix units of 16 × 16 as SPIR-V, of 8 × 8 as MSL.

use crate::lstm::kernel::{Kernel, OperandLayout, PRODUCT_SQUARES};
use crate::lstm::matrix_units::MatrixUnits;
use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module};

fn layouts() -> impl Iterator<Item = [OperandLayout; 2]> {
    (0..16).map(|bits| {
        let one = |at: u32| OperandLayout {
            deep: bits >> at & 1 != 0,
            fours: bits >> (at + 1) & 1 != 0,
        };
        [one(0), one(2)]
    })
}

fn parse(kernel: Kernel, capabilities: Capabilities) -> (Module, ModuleInfo) {
    let source = kernel.source();
    assert!(!source.contains("{{"), "{kernel:?}: a value is missing");
    let module = naga::front::wgsl::parse_str(&source)
        .unwrap_or_else(|e| panic!("{kernel:?}: {}", e.emit_to_string(&source)));
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .unwrap_or_else(|e| panic!("{kernel:?}: {}", e.emit_to_string(&source)));
    let threads = [kernel.threads(), 1, 1];
    assert_eq!(module.entry_points[0].workgroup_size, threads);
    let shared = module.global_variables.iter();
    let bytes: usize = shared
        .filter(|(_, v)| v.space == AddressSpace::WorkGroup)
        .map(|(_, v)| module.types[v.ty].inner.size(module.to_ctx()) as usize)
        .sum();
    assert!(bytes <= kernel.memory(), "{kernel:?} has {bytes} bytes");
    (module, info)
}

fn spirv(kernel: Kernel, (module, info): &(Module, ModuleInfo)) -> Vec<u32> {
    let options = spv::Options {
        lang_version: (1, 3),
        ..spv::Options::default()
    };
    let words = spv::write_vec(module, info, &options, None)
        .unwrap_or_else(|e| panic!("{kernel:?} as SPIR-V: {e}"));
    assert_eq!(words[0], 0x0723_0203, "SPIR-V's magic number");
    words
}

fn metal(kernel: Kernel, (module, info): &(Module, ModuleInfo)) -> String {
    let options = msl::Options {
        lang_version: (2, 3),
        ..msl::Options::default()
    };
    let (text, entries) = msl::write_string(module, info, &options, &Default::default())
        .unwrap_or_else(|e| panic!("{kernel:?} as MSL: {e}"));
    assert!(entries.entry_point_names[0].is_ok() && text.contains("kernel void"));
    text
}

fn direct(kernel: Kernel, (module, info): &(Module, ModuleInfo)) {
    let mut text = String::new();
    let (options, pipeline) = (hlsl::Options::default(), hlsl::PipelineOptions::default());
    let entries = hlsl::Writer::new(&mut text, &options, &pipeline)
        .write(module, info, None)
        .unwrap_or_else(|e| panic!("{kernel:?} as HLSL: {e}"));
    assert!(entries.entry_point_names[0].is_ok());
}

#[test]
fn the_largest_is_found_everywhere() {
    let kernel = Kernel::Largest;
    let parsed = parse(kernel, Capabilities::empty());
    spirv(kernel, &parsed);
    metal(kernel, &parsed);
    direct(kernel, &parsed);
    assert!(kernel.memory() <= 16 << 10, "WebGPU's workgroup memory");
}

/// Every kernel on matrix units, with what the adapters that list them have.
fn products(units: MatrixUnits) -> impl Iterator<Item = (Kernel, (Module, ModuleInfo))> {
    let needed =
        Capabilities::COOPERATIVE_MATRIX | Capabilities::SHADER_FLOAT16 | Capabilities::SUBGROUP;
    let of = move |layouts| PRODUCT_SQUARES.map(|s| Kernel::ProductUnits(layouts, s, units));
    let kernels = layouts().flat_map(of);
    kernels.map(move |kernel| (kernel, parse(kernel, needed)))
}

/// `OpCooperativeMatrixMulAddKHR`.
const MULTIPLY: u32 = 4459;

#[test]
fn matrix_units_of_sixteen_are_spirv() {
    for (kernel, parsed) in products(MatrixUnits::Of16) {
        let words = spirv(kernel, &parsed);
        let count = words.iter().filter(|w| **w & 0xffff == MULTIPLY).count();
        assert!(count >= 4, "{kernel:?}: four fragments of a square");
        assert!(
            kernel.memory() <= 48 << 10,
            "a large GPU's workgroup memory"
        );
    }
    // The smaller tile runs on every adapter.
    let small = Kernel::ProductUnits(
        layouts().next().unwrap(),
        PRODUCT_SQUARES[0],
        MatrixUnits::Of16,
    );
    assert!(small.memory() <= 16 << 10, "WebGPU's workgroup memory");
}

#[test]
fn matrix_units_of_eight_are_metal() {
    for (kernel, parsed) in products(MatrixUnits::Of8) {
        let text = metal(kernel, &parsed);
        let count = text.matches("= NagaCooperativeMultiplyAdd(").count();
        assert_eq!(count, 16, "{kernel:?}: sixteen fragments of a square");
        assert!(kernel.memory() <= 32 << 10, "Metal's threadgroup memory");
    }
}
