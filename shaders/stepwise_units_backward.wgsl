// #import shared/cell.wgsl

// One step of LSTM backward on matrix units: stepwise_backward.wgsl, its product by fragments. Four columns are units a
// quarter of H apart. Gates' gradients can be of any size: each row is brought by a power of two to where f16 neither
// overflows nor loses what counts. The step before has left the largest of each row and tile of columns behind d_state.
const HQ: u32 = (H + 3u) / 4u;        // fours of units
const DEEP: u32 = 4u * H;             // gates, which enter
const FOURS: u32 = HQ;
const TILES: u32 = (FOURS + ACROSS_FOURS - 1u) / ACROSS_FOURS; // along columns

@group(0) @binding(0) var<storage, read_write> d_out: array<f32>;         // [T, B, G, H]
@group(0) @binding(1) var<storage, read_write> w_hh: array<vec4<Stored>>; // [G, 4H, HQ] of units l, l+HQ, l+2HQ, l+3HQ
@group(0) @binding(2) var<storage, read_write> gates: array<Stored>;      // [T, B, G, 4H], activated
@group(0) @binding(3) var<storage, read_write> cells: array<f32>;         // [T, B, G, H]
@group(0) @binding(4) var<storage, read_write> c0: array<f32>;            // [G, B, H]
@group(0) @binding(5) var<storage, read_write> peephole: array<f32>;      // [G, 3, H] or one number
@group(0) @binding(6) var<storage, read_write> mask: array<f32>;          // [G, B, H] or one number
@group(0) @binding(7) var<storage, read_write> lengths: array<u32>;       // [B] or one number
@group(0) @binding(8) var<storage, read_write> d_gates: array<f32>;       // [T, B, G, 4H], before activation
@group(0) @binding(9) var<storage, read_write> d_state: array<f32>;       // [2, G, B, H]: of h (at the end) and c; behind
                                                                          // it [2, G, B, TILES] largest of odd and even steps
@group(0) @binding(10) var<storage, read_write> info: array<u32>;         // T, B, G, after, unused, reverse a group

var<workgroup> largest: array<atomic<u32>, ROWS>;  // bits of a row's largest in this tile, of the step before
var<workgroup> row_largest: array<u32, ROWS>;      // of what enters

fn pieces_of(after: u32) -> u32 {
    // The last step has no product behind it.
    return select(0u, (DEEP + PIECE - 1u) / PIECE, after < info[0]);
}

// Place of a row's largest in a tile of columns.
fn largest_at(step: u32, g: u32, row: u32, x: u32) -> u32 {
    let B = info[1];
    let G = info[2];
    return 2u * G * B * H + ((step % 2u * G + g) * B + row) * TILES + x;
}

fn begin(thread: u32, tile: Tile) {
    for (var y = thread; y < ROWS; y += WG) {
        let row = min(tile.row + y, info[1] - 1u);
        var bits = 0u;
        if (tile.step < info[0]) {
            for (var x = 0u; x < TILES; x++) {
                bits = max(bits, bitcast<u32>(d_state[largest_at(tile.step, tile.group, row, x)]));
            }
        }
        row_largest[y] = bits;
        atomicStore(&largest[y], 0u);
    }
}

fn end(thread: u32, tile: Tile) {
    if (tile.step == 0u) { return; }
    for (var y = thread; y < ROWS; y += WG) {
        let row = tile.row + y;
        if (row < info[1]) {
            let at = largest_at(tile.step - 1u, tile.group, row, tile.four / ACROSS_FOURS);
            d_state[at] = bitcast<f32>(atomicLoad(&largest[y]));
        }
    }
}

// The gate's gradient of the y-th row of the tile that enters; rows past the batch repeat the last one, and their sums go
// nowhere.
fn entering_at(tile: Tile, y: u32, j: u32) -> f32 {
    if (j >= DEEP) { return 0.0; }
    let B = info[1];
    let row = min(tile.row + y, B - 1u);
    let t = time_of(tile.step, length_of(row, info[0]), info[5u + tile.group] == 1u);
    return d_gates[((t * B + row) * info[2] + tile.group) * DEEP + j] * scale_of(row_largest[y]);
}

fn finish_four(sums: vec4<f32>, tile: Tile, y: u32, four: u32) {
    let back = unscale_of(row_largest[y]);
    var bits = vec4<u32>(0u);
    for (var v = 0u; v < 4u; v++) {
        // Past HQ there is no unit.
        let unit = select(H, v * HQ + four, four < HQ);
        let d = finish(sums[v] * back, tile.step, tile.group, tile.row + y, unit);
        bits = max(bits, bitcast<vec4<u32>>(d) & vec4<u32>(0x7fffffffu));
    }
    atomicMax(&largest[y], max(max(bits.x, bits.y), max(bits.z, bits.w)));
}

// #import shared/step.wgsl

// #import shared/backward.wgsl

// #import shared/scale.wgsl

// #import shared/units.wgsl
