//! Every kernel of the dense products is valid WGSL and is written with no GPU at hand as what it must run as: the plain
//! ones as SPIR-V, MSL and HLSL, those on matrix units of 16 × 16 as SPIR-V, of 8 × 8 as MSL.

use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module};
use sinew::lstm::product::shaders::{Kernel, Layout};
use sinew::lstm::units::Fragments;

fn layouts() -> impl Iterator<Item = [Layout; 2]> {
    (0..16).map(|bits| {
        let one = |at: u32| Layout {
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
    let [x, y] = kernel.workgroup();
    assert_eq!(module.entry_points[0].workgroup_size, [x, y, 1]);
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
fn plain_kernels_run_everywhere() {
    let mut kernels = vec![Kernel::Largest];
    kernels.extend(layouts().map(Kernel::Product));
    for kernel in kernels {
        // Rounding to f16 within f32 is core WGSL; wgpu has it on Vulkan, Metal and DX12.
        let parsed = parse(kernel, Capabilities::SHADER_FLOAT16_IN_FLOAT32);
        spirv(kernel, &parsed);
        metal(kernel, &parsed);
        direct(kernel, &parsed);
        assert!(kernel.memory() <= 16 << 10, "WebGPU's workgroup memory");
    }
}

/// What the adapters that list matrix units have.
fn units() -> Capabilities {
    Capabilities::COOPERATIVE_MATRIX | Capabilities::SHADER_FLOAT16 | Capabilities::SUBGROUP
}

fn fragments(side: u32) -> Fragments {
    Fragments {
        side,
        emulated: None,
    }
}

/// `OpCooperativeMatrixMulAddKHR`.
const MULTIPLY: u32 = 4459;

#[test]
fn matrix_units_of_sixteen_are_spirv() {
    for layouts in layouts() {
        for grid in [2, 4] {
            let kernel = Kernel::ProductUnits(layouts, fragments(16), grid);
            let words = spirv(kernel, &parse(kernel, units()));
            let count = words.iter().filter(|w| **w & 0xffff == MULTIPLY).count();
            assert!(count >= 4, "{kernel:?}: four fragments of a square");
            assert!(kernel.memory() <= [0, 0, 16, 0, 48][grid as usize] << 10);
        }
    }
}

#[test]
fn matrix_units_of_eight_are_metal() {
    for layouts in layouts() {
        for grid in [2, 4] {
            let kernel = Kernel::ProductUnits(layouts, fragments(8), grid);
            let text = metal(kernel, &parse(kernel, units()));
            let count = text.matches("= NagaCooperativeMultiplyAdd(").count();
            assert_eq!(count, 16, "{kernel:?}: sixteen fragments of a square");
            assert!(kernel.memory() <= 32 << 10, "Metal's threadgroup memory");
        }
    }
}
