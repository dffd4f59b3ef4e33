//! Matrix units: which a device has, and the WGSL of the fragments that they multiply.
//!
//! WGSL has them as cooperative matrices: a fragment belongs to a subgroup, is loaded from memory and stored there as a
//! whole, and its single numbers are nobody's. 16 × 16 is what Vulkan's drivers offer for f16 with f32 sums, 8 × 8 is
//! Metal's. Where there are none, [`Units::Emulated`] plays them in plain WGSL: the same text, so that tests prove its index
//! arithmetic on any adapter.

use crate::device::Adapter;

/// What computes the dense products, and which fragments the plans on matrix units have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Units {
    /// Burn's own product, in f32.
    #[default]
    Burn,
    /// A thread's own arithmetic, operands rounded to f16.
    Plain,
    /// Matrix units that take 16 × 16 × 16 (Vulkan).
    Coop16,
    /// Matrix units that take 8 × 8 × 8 (Metal).
    Coop8,
    /// Plain WGSL in their place, for tests.
    Emulated {
        /// Rows, columns and depth of a fragment.
        side: u32,
        /// Threads of a subgroup; they divide side².
        lanes: u32,
    },
}

/// The fragments that a kernel multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fragments {
    /// Rows, columns and depth of a fragment.
    pub side: u32,
    /// Threads of a subgroup where plain WGSL plays the matrix units.
    pub emulated: Option<u32>,
}

impl Units {
    /// The best that an adapter lists.
    pub fn of(adapter: &Adapter) -> Units {
        match adapter.matrix_units {
            Some(16) => Units::Coop16,
            Some(8) => Units::Coop8,
            _ => Units::Plain,
        }
    }

    /// Their fragments; nothing where there are no matrix units.
    pub fn fragments(self) -> Option<Fragments> {
        let (side, emulated) = match self {
            Units::Burn | Units::Plain => return None,
            Units::Coop16 => (16, None),
            Units::Coop8 => (8, None),
            Units::Emulated { side, lanes } => (side, Some(lanes)),
        };
        Some(Fragments { side, emulated })
    }
}

/// Rows and columns of what a subgroup computes.
pub const SQUARE: u32 = 32;

// Fragments are named variables: no attribute of WGSL promises that a loop over an array of them is unrolled, and an
// array that is not lies in slow memory.

impl Fragments {
    /// Fragments along the side of a subgroup's square.
    pub fn count(self) -> u32 {
        SQUARE / self.side
    }

    /// A line for each fragment of a square.
    pub fn each(self, line: impl Fn(u32, u32) -> String) -> String {
        let count = self.count();
        let all = (0..count * count).map(|f| line(f / count, f % count));
        all.collect::<Vec<_>>().join("\n")
    }

    /// Fragments of C, zero at first: `staging` has been filled with zeros.
    pub fn sums(self) -> String {
        let side = self.side;
        self.each(|i, j| {
            format!(
                "        var c{i}{j} = coopLoadT<coop_mat{side}x{side}<f32, C>>(&staging[at], C_PITCH);"
            )
        })
    }

    /// One depth of fragments, multiplied: from k on, of the tiles' rows from `row` and columns from `column` on. A deep
    /// operand's tile is stored with stride 1 along k.
    pub fn multiply(self, [a_deep, b_deep]: [bool; 2]) -> String {
        let side = self.side;
        let load = |name: &str, role: &str, start: &str, deep: bool, f: u32| {
            let (pitch, tile) = (format!("{role}_PITCH"), format!("{name}_tile"));
            let outer = format!("({start} + {f}u * SIDE)");
            let at = if deep {
                format!("{outer} * {pitch} + k")
            } else {
                format!("k * {pitch} + {outer}")
            };
            // A is [m, k] and B is [k, n]: rows of memory are rows of a deep A, and of a B that is not deep.
            let rows = deep == (role == "A");
            let function = if rows { "coopLoadT" } else { "coopLoad" };
            format!(
                "                let {name}{f} = \
                 {function}<coop_mat{side}x{side}<f16, {role}>>(&{tile}[{at}], {pitch});"
            )
        };
        let all = || 0..self.count();
        let mut lines: Vec<String> = all().map(|f| load("a", "A", "row", a_deep, f)).collect();
        lines.extend(all().map(|f| load("b", "B", "column", b_deep, f)));
        lines.push(self.each(|i, j| {
            format!("                c{i}{j} = coopMultiplyAdd(a{i}, b{j}, c{i}{j});")
        }));
        lines.join("\n")
    }

    /// Each row of a square's fragments on its way out, one row after the other.
    pub fn store_rows(self) -> String {
        let row = |i: u32| {
            let stores = (0..self.count()).map(|j| {
                format!(
                    "        if (own) {{ coopStoreT(c{i}{j}, &staging[at + {j}u * SIDE], C_PITCH); }}\n"
                )
            });
            format!(
                "{}        workgroupBarrier();\n        \
                 write_out(thread, vec2<u32>(turn, turn + subgroups), {i}u, tile);\n        \
                 workgroupBarrier();",
                stores.collect::<String>()
            )
        };
        (0..self.count()).map(row).collect::<Vec<_>>().join("\n")
    }

    /// A kernel's text for the matrix units of the device, or with plain WGSL in their place.
    pub fn finished(self, text: &str) -> String {
        match self.emulated {
            None => format!("enable f16;\nenable wgpu_cooperative_matrix;\n{text}"),
            Some(lanes) => format!("enable f16;\n{}", emulated(text, lanes)),
        }
    }
}

/// A kernel's text with the calls on fragments turned into those of `shaders/shared/emulation.wgsl`, and subgroups of
/// so many threads next to each other. Nothing else is changed.
fn emulated(text: &str, lanes: u32) -> String {
    const EMULATION: &str = include_str!("../../shaders/shared/emulation.wgsl");
    let mut lines: Vec<String> = Vec::new();
    let mut in_arguments = false;
    for line in text.lines() {
        if line.contains("@builtin(subgroup_id)") || line.contains("@builtin(num_subgroups)") {
            in_arguments = true;
            continue;
        }
        if !line.contains("coop") {
            lines.push(line.into());
            if in_arguments && line == ") {" {
                in_arguments = false;
                lines.push("    let subgroup = thread / LANES;".into());
                lines.push("    let subgroups = WG / LANES;".into());
                lines.push("    lane = thread % LANES;".into());
                lines.push("    side = min(SIDE, info[0] + SIDE);".into());
            }
            continue;
        }
        let role = ["A", "B"]
            .into_iter()
            .find(|r| line.contains(&format!(", {r}>>(")));
        let role = role.unwrap_or("C");
        // coopLoadT<coop_mat16x16<f16, A>>(&a_tile[place], pitch) is coopLoadT_A(place, pitch).
        let mut line = line.to_string();
        if let (Some(open), Some(close)) = (line.find('<'), line.find(">>(")) {
            line.replace_range(open..close + 2, "");
        }
        for call in ["coopLoadT(", "coopLoad(", "coopMultiplyAdd(", "coopStoreT("] {
            line = line.replace(call, &format!("{}_{role}(", call.trim_end_matches('(')));
        }
        for tile in ["&a_tile[", "&b_tile[", "&staging["] {
            line = line.replace(tile, "");
        }
        lines.push(line.replace("], ", ", "));
    }
    let emulation = EMULATION.replace("{{ LANES }}", &lanes.to_string());
    format!("{}\n{emulation}", lines.join("\n"))
}
