// #import shared/cell.wgsl

// One step of LSTM forward: a workgroup computes a tile of UNITS units × ROWS rows of one group.
// The product goes over k in pieces of DEPTH, which stand in workgroup memory twice: while one is used, the next is on
// its way through registers to the other, and one barrier a piece parts them. Where tiles are few, KS slices of
// threads each take their share of a piece, and their sums meet at the end.
const UX: u32 = {{ UX }}u;            // threads along units
const RY: u32 = {{ RY }}u;            // threads along rows
const KS: u32 = {{ KS }}u;            // slices of a piece
const UPT: u32 = {{ UPT }}u;          // units a thread
const RPT: u32 = {{ RPT }}u;          // rows a thread, a multiple of four
const DEPTH: u32 = {{ DEPTH }}u;      // k of a piece, a multiple of KS
const WG: u32 = UX * RY * KS;         // threads of a workgroup
const UNITS: u32 = UX * UPT;          // units of a tile
const QPT: u32 = RPT / 4u;            // fours of rows a thread
const RQ: u32 = RY * QPT;             // fours of rows of a tile
const PIECES: u32 = (H + DEPTH - 1u) / DEPTH;
const H_QUADS: u32 = DEPTH * RQ;      // of a piece of the hidden state
const W_QUADS: u32 = DEPTH * UNITS;   // of a piece of W_hh

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

var<workgroup> hidden: array<vec4<f32>, {{ ROW_TILE }}>;       // two of [DEPTH, RQ] of four rows, rounded as stored;
                                                               // where slices meet, the sum of each thread
var<workgroup> weights: array<vec4<Stored>, {{ UNIT_TILE }}>;  // two of [DEPTH, UNITS]

@compute @workgroup_size({{ WG }}, 1, 1)
fn main(@builtin(workgroup_id) block: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let T = info[0];
    let B = info[1];
    let G = info[2];
    let s = info[3];
    let g = block.z;
    let reverse = info[5u + g] == 1u;
    let x = thread % UX;
    let y = thread / UX % RY;
    let slice = thread / (UX * RY);
    let tile_unit = block.x * UNITS;
    let tile_row = block.y * RQ * 4u;

    // What this thread brings of each piece: four rows at one k, HL times, and WL quads of W_hh.
    var from_row: array<u32, {{ LOADED_ROWS }}>;
    var start: array<u32, {{ LOADED_ROWS }}>;
    var next_hidden: array<vec4<f32>, {{ HL }}>;
    var next_weights: array<vec4<Stored>, {{ WL }}>;
    for (var n = 0u; n < {{ HL }}u; n++) {
        for (var r = 0u; r < 4u; r++) {
            // Rows past the batch read the last one; their sums go nowhere.
            let row = min(tile_row + (n * WG + thread) / DEPTH * 4u + r, B - 1u);
            start[n * 4u + r] = (g * B + row) * H;
            if (s > 0u) {
                let t = time_of(s - 1u, length_of(row, T), reverse);
                from_row[n * 4u + r] = ((t * B + row) * G + g) * H;
            }
        }
    }
    var sum: array<vec4<f32>, {{ CELLS }}>; // [UPT, RPT] of i, f, g, o
    for (var n = 0u; n < UPT * RPT; n++) { sum[n] = vec4<f32>(0.0); }

    // Turn p brings piece p and uses piece p - 1.
    for (var p = 0u; p <= PIECES; p++) {
        if (p < PIECES) {
            for (var n = 0u; n < {{ HL }}u; n++) {
                let k = p * DEPTH + (n * WG + thread) % DEPTH;
                next_hidden[n] = vec4<f32>(
                    entering(s, from_row[n * 4u], start[n * 4u], k),
                    entering(s, from_row[n * 4u + 1u], start[n * 4u + 1u], k),
                    entering(s, from_row[n * 4u + 2u], start[n * 4u + 2u], k),
                    entering(s, from_row[n * 4u + 3u], start[n * 4u + 3u], k));
            }
            for (var n = 0u; n < {{ WL }}u; n++) {
                let k = p * DEPTH + (n * WG + thread) / UNITS;
                let unit = min(tile_unit + (n * WG + thread) % UNITS, H - 1u);
                next_weights[n] = w_hh[(g * H + min(k, H - 1u)) * H + unit];
            }
        }
        if (p > 0u) {
            let hidden_at = ((p - 1u) % 2u) * H_QUADS + y * QPT;
            let weights_at = ((p - 1u) % 2u) * W_QUADS + x;
            for (var j = 0u; j < DEPTH / KS; j++) {
                let k = j * KS + slice;
                var w: array<vec4<f32>, {{ UPT }}>;
                for (var i = 0u; i < UPT; i++) { w[i] = vec4<f32>(weights[weights_at + k * UNITS + i * UX]); }
                for (var q = 0u; q < QPT; q++) {
                    let h = hidden[hidden_at + k * RQ + q];
                    for (var i = 0u; i < UPT; i++) {
                        let at = i * RPT + q * 4u;
                        sum[at] = fma(w[i], h.xxxx, sum[at]);
                        sum[at + 1u] = fma(w[i], h.yyyy, sum[at + 1u]);
                        sum[at + 2u] = fma(w[i], h.zzzz, sum[at + 2u]);
                        sum[at + 3u] = fma(w[i], h.wwww, sum[at + 3u]);
                    }
                }
            }
        }
        if (p < PIECES) {
            for (var n = 0u; n < {{ HL }}u; n++) {
                // [DEPTH, RQ], though threads next to each other bring k next to each other.
                let quad = n * WG + thread;
                if (quad < H_QUADS) {
                    let rounded = vec4<f32>(vec4<Stored>(next_hidden[n]));
                    hidden[(p % 2u) * H_QUADS + quad % DEPTH * RQ + quad / DEPTH] = rounded;
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
        for (var r = 0u; r < RPT; r++) {
            let unit = tile_unit + i * UX + x;
            let row = tile_row + y * RPT + r;
            if (KS == 1u) {
                finish(sum[i * RPT + r], s, g, row, unit);
            } else {
                // The slices take the rows in turn.
                hidden[thread] = sum[i * RPT + r];
                workgroupBarrier();
                if (slice == r % KS) {
                    var total = vec4<f32>(0.0);
                    for (var n = 0u; n < KS; n++) { total += hidden[n * UX * RY + thread % (UX * RY)]; }
                    finish(total, s, g, row, unit);
                }
                workgroupBarrier();
            }
        }
    }
}

// #import shared/step.wgsl

// #import shared/forward.wgsl
