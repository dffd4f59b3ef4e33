//! The text of the products' kernels, with their sizes and layouts filled in.

use crate::lstm::units::{Fragments, SQUARE};

/// How an operand lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout {
    /// The axis of stride 1 is K.
    pub deep: bool,
    /// Extent and strides are multiples of four: numbers are read in fours.
    pub fours: bool,
}

/// A kernel with its values; what its cache id is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// `shaders/largest.wgsl`
    Largest,
    /// `shaders/product.wgsl`
    Product([Layout; 2]),
    /// `shaders/product_units.wgsl`; squares along a tile's side.
    ProductUnits([Layout; 2], Fragments, u32),
}

/// Numbers of a tile of the plain kernel.
const SHARED: u32 = 16 * (64 + 4);

/// Numbers of K that a tile holds, of the kernel with matrix units.
const DEPTH: u32 = 32;

/// Numbers that keep the rows of a tile in different banks.
const PAD: u32 = 8;

impl Kernel {
    /// The file's name in `shaders/`, without its ending.
    pub fn name(&self) -> &'static str {
        match self {
            Kernel::Largest => "largest",
            Kernel::Product(..) => "product",
            Kernel::ProductUnits(..) => "product_units",
        }
    }

    /// Threads of a workgroup along x and y.
    pub fn workgroup(&self) -> [u32; 2] {
        match self {
            Kernel::Largest => [256, 1],
            Kernel::Product(..) => [16, 16],
            Kernel::ProductUnits(_, _, grid) => [grid * grid * 32, 1],
        }
    }

    /// Threads of a workgroup.
    pub fn threads(&self) -> u32 {
        let [x, y] = self.workgroup();
        x * y
    }

    /// Bytes of workgroup memory at most, whatever the layouts.
    pub fn memory(&self) -> usize {
        let bytes = match self {
            Kernel::Largest => 256 * 4,
            Kernel::Product(..) => 2 * SHARED * 4,
            Kernel::ProductUnits(_, Fragments { side, .. }, grid) => {
                2 * (grid * SQUARE * (DEPTH + PAD)) * 2 + grid * grid * side * side * 4
            }
        };
        bytes as usize
    }

    /// Rows and columns of a workgroup's tile.
    pub fn tile(&self) -> usize {
        match self {
            Kernel::Largest => 1,
            Kernel::Product(..) => 64,
            Kernel::ProductUnits(_, _, grid) => (*grid * SQUARE) as usize,
        }
    }

    /// The WGSL text.
    pub fn source(&self) -> String {
        const LARGEST: &str = include_str!("../../../shaders/largest.wgsl");
        const PRODUCT: &str = include_str!("../../../shaders/product.wgsl");
        const UNITS: &str = include_str!("../../../shaders/product_units.wgsl");
        const SCALE: &str = include_str!("../../../shaders/shared/scale.wgsl");
        match self {
            Kernel::Largest => LARGEST.into(),
            Kernel::Product(layouts) => {
                let values = [("SHARED", SHARED.to_string())];
                fill(
                    &[PRODUCT, SCALE, &operands(*layouts)].join("\n"),
                    &typed(*layouts, &values),
                )
            }
            Kernel::ProductUnits(layouts, fragments, grid) => {
                let (tile, squares, side) = (grid * SQUARE, grid * grid, fragments.side);
                let shared = |x: Layout| match x.deep {
                    true => (tile * (DEPTH + PAD)).to_string(),
                    false => (DEPTH * (tile + PAD)).to_string(),
                };
                let values = [
                    ("SIDE", side.to_string()),
                    ("GRID", grid.to_string()),
                    ("WG", (squares * 32).to_string()),
                    ("A_SHARED", shared(layouts[0])),
                    ("B_SHARED", shared(layouts[1])),
                    ("STAGING", (squares * side * side).to_string()),
                    ("SUMS", fragments.sums()),
                    ("MULTIPLY", fragments.multiply(layouts.map(|x| x.deep))),
                    ("STORE", store(*fragments)),
                ];
                fragments.finished(&fill(
                    &[UNITS, SCALE, &operands(*layouts)].join("\n"),
                    &typed(*layouts, &values),
                ))
            }
        }
    }
}

fn fill(text: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(text.into(), |text, (name, value)| {
        text.replace(&format!("{{{{ {name} }}}}"), value)
    })
}

/// The values with the types of the operands' buffers.
fn typed<'a>(layouts: [Layout; 2], values: &[(&'a str, String)]) -> Vec<(&'a str, String)> {
    let of = |x: Layout| if x.fours { "vec4<f32>" } else { "f32" };
    let mut all = values.to_vec();
    all.push(("A_TYPE", of(layouts[0]).into()));
    all.push(("B_TYPE", of(layouts[1]).into()));
    all
}

/// Both operands' functions.
fn operands(layouts: [Layout; 2]) -> String {
    const OPERAND: &str = include_str!("../../../shaders/shared/operand.wgsl");
    let one = |x: &str, layout: Layout, strides: u32| {
        let load = if layout.fours {
            format!("return {x}[at / 4u];")
        } else {
            let there = if layout.deep {
                "k + i < end"
            } else {
                "outer + i < outers"
            };
            format!(
                "var four = vec4<f32>(0.0);\n    \
                 for (var i = 0u; i < 4u; i++) {{ if ({there}) {{ four[i] = {x}[at + i]; }} }}\n    \
                 return four;"
            )
        };
        let values = [
            ("X", x.to_string()),
            ("DEEP", layout.deep.to_string()),
            ("STRIDES", strides.to_string()),
            ("LOAD", load),
        ];
        fill(OPERAND, &values)
    };
    [one("a", layouts[0], 7), one("b", layouts[1], 9)].join("\n")
}

/// Fragments of C on their way out, one after the other.
fn store(fragments: Fragments) -> String {
    fragments.each(|i, j| {
        format!(
            "        if (own) {{ coopStoreT(c{i}{j}, &staging[at], C_PITCH); }}\n        \
             workgroupBarrier();\n        \
             write_out(thread, vec2<u32>(turn, turn + subgroups), {i}u, {j}u, corner);\n        \
             workgroupBarrier();"
        )
    })
}
