// Cooperative matrices in plain WGSL, so that a kernel's own text runs where there are none: the built-ins' names with
// the role behind them, a place in the role's tile for a pointer. A subgroup is LANES threads next to each other, each
// of which has its share of the sums; operands are read where they lie when they are multiplied. Software Vulkan ends a
// thread's loops after 65 535 turns together: few lanes can multiply but a few hundred deep.
const LANES: u32 = {{ LANES }}u;

var<private> lane: u32;
var<private> side: u32; // SIDE, which the compiler doesn't know: unrolled loops would take it minutes

struct Operand {
    at: u32,
    pitch: u32,
    rows: bool, // rows lie in memory one after the other; else columns do
}

struct Sums {
    share: array<f32, SIDE * SIDE / LANES>,
}

fn coopLoadT_A(at: u32, pitch: u32) -> Operand { return Operand(at, pitch, true); }
fn coopLoad_A(at: u32, pitch: u32) -> Operand { return Operand(at, pitch, false); }
fn coopLoadT_B(at: u32, pitch: u32) -> Operand { return Operand(at, pitch, true); }
fn coopLoad_B(at: u32, pitch: u32) -> Operand { return Operand(at, pitch, false); }

fn place(x: Operand, row: u32, column: u32) -> u32 {
    return x.at + select(column * x.pitch + row, row * x.pitch + column, x.rows);
}

fn coopLoadT_C(at: u32, pitch: u32) -> Sums {
    var c: Sums;
    for (var n = 0u; n < side * SIDE / LANES; n++) {
        let e = lane + n * LANES;
        c.share[n] = staging[at + e / SIDE * pitch + e % SIDE];
    }
    return c;
}

fn coopMultiplyAdd_C(a: Operand, b: Operand, c: Sums) -> Sums {
    var d = c;
    for (var n = 0u; n < side * SIDE / LANES; n++) {
        let e = lane + n * LANES;
        for (var k = 0u; k < side; k++) {
            d.share[n] += f32(a_tile[place(a, e / SIDE, k)]) * f32(b_tile[place(b, k, e % SIDE)]);
        }
    }
    return d;
}

fn coopStoreT_C(c: Sums, at: u32, pitch: u32) {
    for (var n = 0u; n < side * SIDE / LANES; n++) {
        let e = lane + n * LANES;
        staging[at + e / SIDE * pitch + e % SIDE] = c.share[n];
    }
}
