// A batched product, C(g, m, n) = sum over k of A(g, m, k) · B(g, n, k), on matrix units: fragments of SIDE × SIDE as
// cooperative matrices, f16 operands, f32 sums. A subgroup computes a square of 32 × 32, a workgroup GRID × GRID of them,
// whatever the subgroups' size.
const SIDE: u32 = {{ SIDE }}u;      // rows, columns and depth of a fragment: 16 on Vulkan, 8 on Metal
const GRID: u32 = {{ GRID }}u;      // squares along a side of the tile
const SQUARES: u32 = GRID * GRID;
const TILE: u32 = GRID * 32u;
const DEPTH: u32 = 32u;             // of K at a time
const WG: u32 = SQUARES * 32u;
const LOADS: u32 = TILE * DEPTH / 4u / WG;
const C_PITCH: u32 = SIDE;          // of a fragment on its way out

@group(0) @binding(0) var<storage, read_write> a: array<{{ a.TYPE }}>;      // A, by the strides in info
@group(0) @binding(1) var<storage, read_write> b: array<{{ b.TYPE }}>;      // B
@group(0) @binding(2) var<storage, read_write> a_largest: array<u32>;       // bits of A's largest magnitude
@group(0) @binding(3) var<storage, read_write> b_largest: array<u32>;       // of B's
@group(0) @binding(4) var<storage, read_write> c: array<f32>;               // [pieces, G, M, N]
@group(0) @binding(5) var<storage, read_write> info: array<u32>;            // M, N, K, G, first tile, first z, piece, strides of A, of B

// As the operand lies in memory: [TILE, DEPTH] where it is deep, else [DEPTH, TILE]; 8 more keep banks apart.
const A_PITCH: u32 = select(TILE, DEPTH, a_DEEP) + 8u;
const B_PITCH: u32 = select(TILE, DEPTH, b_DEEP) + 8u;
var<workgroup> a_tile: array<f16, {{ a.SHARED }}>;
var<workgroup> b_tile: array<f16, {{ b.SHARED }}>;
var<workgroup> staging: array<f32, {{ STAGING }}>; // [SQUARES, SIDE, SIDE]: fragments on their way out

// The l-th four numbers of a thread: outer and k within a deep operand's tile, or within another's.
fn place_of(thread: u32, l: u32, deep: bool) -> vec2<u32> {
    let four = thread + l * WG;
    if (deep) { return vec2<u32>(four / (DEPTH / 4u), four % (DEPTH / 4u) * 4u); }
    return vec2<u32>(four % (TILE / 4u) * 4u, four / (TILE / 4u));
}

fn at_of(place: vec2<u32>, deep: bool, pitch: u32) -> u32 {
    return select(place.y * pitch + place.x, place.x * pitch + place.y, deep);
}

// Writes the fragments (i, j) of the squares of one turn from where their subgroups have put them.
fn write_out(thread: u32, turns: vec2<u32>, i: u32, j: u32, corner: vec3<u32>) {
    for (var e = thread; e < SQUARES * SIDE * SIDE; e += WG) {
        let square = e / (SIDE * SIDE);
        let m = corner.x + square / GRID * 32u + i * SIDE + e % (SIDE * SIDE) / SIDE;
        let n = corner.y + square % GRID * 32u + j * SIDE + e % SIDE;
        if (square >= turns.x && square < turns.y && m < info[0] && n < info[1]) {
            c[(corner.z * info[0] + m) * info[1] + n] = unscaled(staging[e], a_largest[0], b_largest[0]);
        }
    }
}

@compute @workgroup_size({{ WG }}, 1, 1)
fn main(
    @builtin(workgroup_id) block: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
) {
    let M = info[0];
    let N = info[1];
    let z = info[5] + block.z;
    let g = z % info[3];
    let first = z / info[3] * info[6];
    let end = min(info[2], first + info[6]);
    let m0 = (info[4] + block.y) * TILE;
    let n0 = block.x * TILE;
    let a_scale = scale_of(a_largest[0]);
    let b_scale = scale_of(b_largest[0]);
    let corner = vec3<u32>(m0, n0, z);

    // One turn where a subgroup has 32 threads, more where it has more; spare subgroups repeat the last square.
    for (var turn = 0u; turn < SQUARES; turn += subgroups) {
        let square = min(turn + subgroup, SQUARES - 1u);
        let own = turn + subgroup < SQUARES;
        let row = square / GRID * 32u;
        let column = square % GRID * 32u;
        for (var i = thread; i < SQUARES * SIDE * SIDE; i += WG) { staging[i] = 0.0; }
        workgroupBarrier();
        let at = square * SIDE * SIDE;
{{ SUMS }}
        var a_next: array<vec4<f32>, LOADS>;
        var b_next: array<vec4<f32>, LOADS>;
        for (var l = 0u; l < LOADS; l++) {
            let x = place_of(thread, l, a_DEEP);
            let y = place_of(thread, l, b_DEEP);
            a_next[l] = a_four(g, m0 + x.x, first + x.y, M, end);
            b_next[l] = b_four(g, n0 + y.x, first + y.y, N, end);
        }
        for (var k0 = first; k0 < end; k0 += DEPTH) {
            for (var l = 0u; l < LOADS; l++) {
                let x = at_of(place_of(thread, l, a_DEEP), a_DEEP, A_PITCH);
                let y = at_of(place_of(thread, l, b_DEEP), b_DEEP, B_PITCH);
                let a_now = vec4<f16>(a_next[l] * a_scale);
                let b_now = vec4<f16>(b_next[l] * b_scale);
                for (var i = 0u; i < 4u; i++) {
                    a_tile[x + i] = a_now[i];
                    b_tile[y + i] = b_now[i];
                }
            }
            workgroupBarrier();
            // The next numbers are on their way while the present ones are multiplied.
            for (var l = 0u; l < LOADS; l++) {
                let x = place_of(thread, l, a_DEEP);
                let y = place_of(thread, l, b_DEEP);
                a_next[l] = a_four(g, m0 + x.x, k0 + DEPTH + x.y, M, end);
                b_next[l] = b_four(g, n0 + y.x, k0 + DEPTH + y.y, N, end);
            }
            for (var k = 0u; k < DEPTH; k += SIDE) {
{{ MULTIPLY }}
            }
            workgroupBarrier();
        }
{{ STORE }}
    }
}

// #import shared/scale.wgsl

// #import shared/operand.wgsl X=a

// #import shared/operand.wgsl X=b
