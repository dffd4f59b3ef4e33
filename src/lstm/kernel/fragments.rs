//! The WGSL of the fragments that matrix units multiply.
//!
//! In WGSL they are cooperative matrices: a subgroup loads and stores a fragment as a whole, and no thread can access single
//! elements. Each fragment is a variable of its own: WGSL cannot force a loop over an array of fragments to be unrolled,
//! and an array that is not unrolled lies in slow memory.

use crate::lstm::matrix_units::MatrixUnits;

/// Rows and columns of what a subgroup computes.
pub const SQUARE: u32 = 32;

/// Fragments along the side of a subgroup's square.
fn count(units: MatrixUnits) -> u32 {
    SQUARE / units.side()
}

/// A line for each fragment of a square.
fn each(units: MatrixUnits, line: impl Fn(u32, u32) -> String) -> String {
    let count = count(units);
    let all = (0..count * count).map(|f| line(f / count, f % count));
    all.collect::<Vec<_>>().join("\n")
}

/// Fragments of C, zero at first: `staging` has been filled with zeros.
pub fn sums(units: MatrixUnits) -> String {
    let side = units.side();
    each(units, |i, j| {
        format!(
            "        var c{i}{j} = coopLoadT<coop_mat{side}x{side}<f32, C>>(&staging[at], C_PITCH);"
        )
    })
}

/// One depth of fragments, multiplied: from k on, of the tiles' rows from `row` and columns from `column` on. A deep
/// operand's tile is stored with stride 1 along k.
pub fn multiply(units: MatrixUnits, [a_deep, b_deep]: [bool; 2]) -> String {
    let side = units.side();
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
    let all = || 0..count(units);
    let mut lines: Vec<String> = all().map(|f| load("a", "A", "row", a_deep, f)).collect();
    lines.extend(all().map(|f| load("b", "B", "column", b_deep, f)));
    lines.push(each(units, |i, j| {
        format!("                c{i}{j} = coopMultiplyAdd(a{i}, b{j}, c{i}{j});")
    }));
    lines.join("\n")
}

/// Each row of a square's fragments on its way out of a recurrence's step, one row after the other.
pub fn store_rows(units: MatrixUnits) -> String {
    let row = |i: u32| {
        let stores = (0..count(units)).map(|j| {
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
    (0..count(units)).map(row).collect::<Vec<_>>().join("\n")
}

/// Each fragment of a square on its way out of a product, one after the other.
pub fn store_each(units: MatrixUnits) -> String {
    each(units, |i, j| {
        format!(
            "        if (own) {{ coopStoreT(c{i}{j}, &staging[at], C_PITCH); }}\n        \
             workgroupBarrier();\n        \
             write_out(thread, vec2<u32>(turn, turn + subgroups), {i}u, {j}u, corner);\n        \
             workgroupBarrier();"
        )
    })
}
