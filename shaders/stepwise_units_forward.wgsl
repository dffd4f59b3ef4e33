// #import shared/cell.wgsl

// One step of LSTM forward on matrix units: stepwise_forward.wgsl, its product by fragments. Four columns are the gates
// of a unit.
const DEEP: u32 = H;    // of what enters
const FOURS: u32 = H;   // units

@group(0) @binding(0) var<storage, read_write> projected: array<f32>;     // [T, B, G, 4H]
@group(0) @binding(1) var<storage, read_write> w_hh: array<vec4<Stored>>; // [G, H(k), H(unit)] of i, f, g, o
@group(0) @binding(2) var<storage, read_write> h0: array<f32>;            // [G, B, H]
@group(0) @binding(3) var<storage, read_write> c0: array<f32>;            // [G, B, H]
@group(0) @binding(4) var<storage, read_write> peephole: array<f32>;      // [G, 3, H] or one number
@group(0) @binding(5) var<storage, read_write> mask: array<f32>;          // [G, B, H] or one number
@group(0) @binding(6) var<storage, read_write> lengths: array<u32>;       // [B] or one number
@group(0) @binding(7) var<storage, read_write> out: array<f32>;           // [T, B, G, H]
@group(0) @binding(8) var<storage, read_write> gates: array<Stored>;      // [T, B, G, 4H]
@group(0) @binding(9) var<storage, read_write> cells: array<f32>;         // [T, B, G, H]
@group(0) @binding(10) var<storage, read_write> info: array<u32>;         // T, B, G, step, unused, reverse a group

fn pieces_of(s: u32) -> u32 { return (DEEP + PIECE - 1u) / PIECE; }

fn begin(thread: u32, tile: Tile) {}

fn end(thread: u32, tile: Tile) {}

// The hidden value of the y-th row of the tile that enters; rows past the batch repeat the last one, and their sums go
// nowhere.
fn entering_at(tile: Tile, y: u32, k: u32) -> f32 {
    let B = info[1];
    let row = min(tile.row + y, B - 1u);
    var from_row = 0u;
    if (tile.step > 0u) {
        let t = time_of(tile.step - 1u, length_of(row, info[0]), info[5u + tile.group] == 1u);
        from_row = ((t * B + row) * info[2] + tile.group) * H;
    }
    return entering(tile.step, from_row, (tile.group * B + row) * H, k);
}

fn finish_four(sums: vec4<f32>, tile: Tile, y: u32, unit: u32) {
    finish(sums, tile.step, tile.group, tile.row + y, unit);
}

// #import shared/step.wgsl

// #import shared/forward.wgsl

// #import shared/units.wgsl
