// #import shared/cell.wgsl

// One step of LSTM backward: from the gates' gradient of step `after` to that of the step before it.
// A workgroup computes a tile of 4 × UNITS units × ROWS rows of one group; after = T starts, after = 0 ends with h0's
// gradient. The product goes over all 4H gates in pieces, as in the forward step; a thread has 4 units, a quarter of
// H apart, so that neighbouring threads stay at neighbouring units.
const UX: u32 = {{ UX }}u;            // threads along units
const RY: u32 = {{ RY }}u;            // threads along rows
const KS: u32 = {{ KS }}u;            // slices of a piece
const UPT: u32 = {{ UPT }}u;          // fours of units a thread
const RPT: u32 = {{ RPT }}u;          // rows a thread, a multiple of four
const DEPTH: u32 = {{ DEPTH }}u;      // gates of a piece, a multiple of KS
const WG: u32 = UX * RY * KS;         // threads of a workgroup
const UNITS: u32 = UX * UPT;          // fours of units of a tile
const HQ: u32 = (H + 3u) / 4u;        // fours of units
const QPT: u32 = RPT / 4u;            // fours of rows a thread
const RQ: u32 = RY * QPT;             // fours of rows of a tile
const PIECES: u32 = (4u * H + DEPTH - 1u) / DEPTH;
const D_QUADS: u32 = DEPTH * RQ;      // of a piece of the gradient
const W_QUADS: u32 = DEPTH * UNITS;   // of a piece of W_hh

@group(0) @binding(0) var<storage, read_write> d_out: array<f32>;         // [T, B, G, H]
@group(0) @binding(1) var<storage, read_write> w_hh: array<vec4<Stored>>; // [G, 4H, HQ] of units l, l+HQ, l+2HQ, l+3HQ
@group(0) @binding(2) var<storage, read_write> gates: array<Stored>;      // [T, B, G, 4H], activated
@group(0) @binding(3) var<storage, read_write> cells: array<f32>;         // [T, B, G, H]
@group(0) @binding(4) var<storage, read_write> c0: array<f32>;            // [G, B, H]
@group(0) @binding(5) var<storage, read_write> peephole: array<f32>;      // [G, 3, H] or one number
@group(0) @binding(6) var<storage, read_write> mask: array<f32>;          // [G, B, H] or one number
@group(0) @binding(7) var<storage, read_write> lengths: array<u32>;       // [B] or one number
@group(0) @binding(8) var<storage, read_write> d_gates: array<f32>;       // [T, B, G, 4H], before activation
@group(0) @binding(9) var<storage, read_write> d_state: array<f32>;       // [2, G, B, H]: of h (at the end) and c
@group(0) @binding(10) var<storage, read_write> info: array<u32>;         // T, B, G, after, unused, reverse a group

var<workgroup> gradient: array<vec4<f32>, {{ ROW_TILE }}>;     // two of [DEPTH, RQ] of four rows; where slices meet,
                                                               // the sum of each thread
var<workgroup> weights: array<vec4<Stored>, {{ UNIT_TILE }}>;  // two of [DEPTH, UNITS]

@compute @workgroup_size({{ WG }}, 1, 1)
fn main(@builtin(workgroup_id) block: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let T = info[0];
    let B = info[1];
    let G = info[2];
    let after = info[3];
    let g = block.z;
    let reverse = info[5u + g] == 1u;
    let x = thread % UX;
    let y = thread / UX % RY;
    let slice = thread / (UX * RY);
    let tile_unit = block.x * UNITS;
    let tile_row = block.y * RQ * 4u;
    // The last step has no product behind it.
    let pieces = select(0u, PIECES, after < T);

    // What this thread brings of each piece: four rows of one gate, HL times, and WL quads of W_hh.
    var from_row: array<u32, {{ LOADED_ROWS }}>;
    var next_gradient: array<vec4<f32>, {{ HL }}>;
    var next_weights: array<vec4<Stored>, {{ WL }}>;
    for (var n = 0u; n < {{ HL }}u; n++) {
        for (var r = 0u; r < 4u; r++) {
            // Rows past the batch read the last one; their sums go nowhere.
            let row = min(tile_row + (n * WG + thread) / DEPTH * 4u + r, B - 1u);
            let t = time_of(after, length_of(row, T), reverse);
            from_row[n * 4u + r] = ((t * B + row) * G + g) * 4u * H;
        }
    }
    var sum: array<vec4<f32>, {{ CELLS }}>; // [UPT, QPT, 4(unit)] of four rows
    for (var n = 0u; n < UPT * RPT; n++) { sum[n] = vec4<f32>(0.0); }

    // Turn p brings piece p and uses piece p - 1.
    for (var p = 0u; p <= pieces; p++) {
        if (p < pieces) {
            for (var n = 0u; n < {{ HL }}u; n++) {
                let j = p * DEPTH + (n * WG + thread) % DEPTH;
                next_gradient[n] = vec4<f32>(0.0);
                if (j < 4u * H) {
                    next_gradient[n] = vec4<f32>(
                        d_gates[from_row[n * 4u] + j],
                        d_gates[from_row[n * 4u + 1u] + j],
                        d_gates[from_row[n * 4u + 2u] + j],
                        d_gates[from_row[n * 4u + 3u] + j]);
                }
            }
            for (var n = 0u; n < {{ WL }}u; n++) {
                let j = p * DEPTH + (n * WG + thread) / UNITS;
                let unit = min(tile_unit + (n * WG + thread) % UNITS, HQ - 1u);
                next_weights[n] = w_hh[(g * 4u * H + min(j, 4u * H - 1u)) * HQ + unit];
            }
        }
        if (p > 0u) {
            let gradient_at = ((p - 1u) % 2u) * D_QUADS + y * QPT;
            let weights_at = ((p - 1u) % 2u) * W_QUADS + x;
            for (var n = 0u; n < DEPTH / KS; n++) {
                let j = n * KS + slice;
                var w: array<vec4<f32>, {{ UPT }}>;
                for (var i = 0u; i < UPT; i++) { w[i] = vec4<f32>(weights[weights_at + j * UNITS + i * UX]); }
                for (var q = 0u; q < QPT; q++) {
                    let d = gradient[gradient_at + j * RQ + q];
                    for (var i = 0u; i < UPT; i++) {
                        let at = i * RPT + q * 4u;
                        sum[at] = fma(d, w[i].xxxx, sum[at]);
                        sum[at + 1u] = fma(d, w[i].yyyy, sum[at + 1u]);
                        sum[at + 2u] = fma(d, w[i].zzzz, sum[at + 2u]);
                        sum[at + 3u] = fma(d, w[i].wwww, sum[at + 3u]);
                    }
                }
            }
        }
        if (p < pieces) {
            for (var n = 0u; n < {{ HL }}u; n++) {
                // [DEPTH, RQ], though threads next to each other bring gates next to each other.
                let quad = n * WG + thread;
                if (quad < D_QUADS) {
                    gradient[(p % 2u) * D_QUADS + quad % DEPTH * RQ + quad / DEPTH] = next_gradient[n];
                }
            }
            for (var n = 0u; n < {{ WL }}u; n++) {
                let quad = n * WG + thread;
                if (quad < W_QUADS) { weights[(p % 2u) * W_QUADS + quad] = next_weights[n]; }
            }
        }
        workgroupBarrier();
    }

    for (var i = 0u; i < UPT; i++) {
        for (var n = 0u; n < RPT; n++) {
            let four = tile_unit + i * UX + x;
            // One of the lane's four units; past HQ there is none.
            let unit = select(H, n % 4u * HQ + four, four < HQ);
            let row = tile_row + y * RPT + n / 4u * 4u;
            var total = sum[i * RPT + n];
            if (KS > 1u) {
                // The slices take the units in turn.
                gradient[thread] = total;
                workgroupBarrier();
                if (slice == n % KS) {
                    total = vec4<f32>(0.0);
                    for (var m = 0u; m < KS; m++) { total += gradient[m * UX * RY + thread % (UX * RY)]; }
                }
                workgroupBarrier();
            }
            if (slice == n % KS) {
                for (var r = 0u; r < 4u; r++) { finish(total[r], after, g, row + r, unit); }
            }
        }
    }
}

// #import shared/step.wgsl

// #import shared/backward.wgsl
