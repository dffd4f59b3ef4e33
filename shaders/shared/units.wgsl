// The product of a recurrence's step on matrix units, the same both ways: what enters, [rows, DEEP] rounded to f16, with
// W_hh, [DEEP, FOURS] of four columns, in f32 sums. A subgroup computes a square of 32 × 32 as fragments of SIDE × SIDE,
// a workgroup DOWN × ACROSS of them, whatever the subgroups' size.
const SIDE: u32 = {{ SIDE }}u;        // rows, columns and depth of a fragment: 16 on Vulkan, 8 on Metal
const DOWN: u32 = {{ DOWN }}u;        // squares along rows
const ACROSS: u32 = {{ ACROSS }}u;    // squares along columns
const SQUARES: u32 = DOWN * ACROSS;
const WG: u32 = SQUARES * 32u;        // threads of a workgroup
const ROWS: u32 = DOWN * 32u;         // of a tile
const COLUMNS: u32 = ACROSS * 32u;    // of a tile
const ACROSS_FOURS: u32 = ACROSS * 8u;
const PIECE: u32 = 32u;               // of DEEP at a time
const A_LOADS: u32 = ROWS * PIECE / WG;
const B_LOADS: u32 = ACROSS_FOURS * PIECE / WG;
// A few more keep banks apart; each is a multiple of 16 bytes, as fragments ask of their strides.
const A_PITCH: u32 = PIECE + 8u;
const B_PITCH: u32 = COLUMNS + 8u;
const C_PITCH: u32 = COLUMNS + 4u;

var<workgroup> a_tile: array<f16, ROWS * A_PITCH>;          // [ROWS, PIECE]
var<workgroup> b_tile: array<f16, PIECE * B_PITCH>;         // [PIECE, COLUMNS]
var<workgroup> staging: array<f32, DOWN * SIDE * C_PITCH>;  // [DOWN * SIDE, COLUMNS]: of each square a row of fragments

// Where a workgroup works.
struct Tile {
    step: u32,  // info[3]
    group: u32,
    row: u32,   // the first
    four: u32,  // the first four of columns
}

// What a thread brings of a piece.
fn bring(
    thread: u32,
    tile: Tile,
    p: u32,
    a_next: ptr<function, array<f32, A_LOADS>>,
    b_next: ptr<function, array<vec4<Stored>, B_LOADS>>,
) {
    for (var l = 0u; l < A_LOADS; l++) {
        let e = thread + l * WG;
        (*a_next)[l] = entering_at(tile, e / PIECE, p * PIECE + e % PIECE);
    }
    for (var l = 0u; l < B_LOADS; l++) {
        let e = thread + l * WG;
        // Past the end stand numbers that meet zeros, or whose sums go nowhere.
        let k = min(p * PIECE + e / ACROSS_FOURS, DEEP - 1u);
        let four = min(tile.four + e % ACROSS_FOURS, FOURS - 1u);
        (*b_next)[l] = w_hh[(tile.group * DEEP + k) * FOURS + four];
    }
}

// Finishes the i-th row of fragments of the squares of one turn, from where their subgroups have put them.
fn write_out(thread: u32, turns: vec2<u32>, i: u32, tile: Tile) {
    for (var e = thread; e < DOWN * SIDE * ACROSS_FOURS; e += WG) {
        let y = e / ACROSS_FOURS;
        let x = e % ACROSS_FOURS;
        let square = y / SIDE * ACROSS + x / 8u;
        if (square >= turns.x && square < turns.y) {
            let at = y * C_PITCH + x * 4u;
            let sums = vec4<f32>(staging[at], staging[at + 1u], staging[at + 2u], staging[at + 3u]);
            finish_four(sums, tile, y / SIDE * 32u + i * SIDE + y % SIDE, tile.four + x);
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
    let tile = Tile(info[3], block.z, block.y * ROWS, block.x * ACROSS_FOURS);
    let pieces = pieces_of(tile.step);
    begin(thread, tile);

    // One turn where a subgroup has 32 threads, more where it has more; spare subgroups repeat the last square.
    for (var turn = 0u; turn < SQUARES; turn += subgroups) {
        let square = min(turn + subgroup, SQUARES - 1u);
        let own = turn + subgroup < SQUARES;
        let row = square / ACROSS * 32u;
        let column = square % ACROSS * 32u;
        for (var i = thread; i < DOWN * SIDE * C_PITCH; i += WG) { staging[i] = 0.0; }
        workgroupBarrier();
        let at = square / ACROSS * SIDE * C_PITCH + column;
{{ SUMS }}
        var a_next: array<f32, A_LOADS>;
        var b_next: array<vec4<Stored>, B_LOADS>;
        if (pieces > 0u) { bring(thread, tile, 0u, &a_next, &b_next); }
        for (var p = 0u; p < pieces; p++) {
            for (var l = 0u; l < A_LOADS; l++) {
                let e = thread + l * WG;
                a_tile[e / PIECE * A_PITCH + e % PIECE] = f16(a_next[l]);
            }
            for (var l = 0u; l < B_LOADS; l++) {
                let e = thread + l * WG;
                let to = e / ACROSS_FOURS * B_PITCH + e % ACROSS_FOURS * 4u;
                for (var v = 0u; v < 4u; v++) { b_tile[to + v] = b_next[l][v]; }
            }
            workgroupBarrier();
            // The next piece is on its way while the present one is multiplied.
            if (p + 1u < pieces) { bring(thread, tile, p + 1u, &a_next, &b_next); }
            for (var k = 0u; k < PIECE; k += SIDE) {
{{ MULTIPLY }}
            }
            workgroupBarrier();
        }
{{ STORE }}
    }
    end(thread, tile);
}
