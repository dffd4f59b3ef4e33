// One step of LSTM backward: from the gates' gradient of step `after` to that of the step before it.
// A workgroup computes a tile of TILE units × ROWS rows of one group. after = T starts, after = 0 ends with h0's gradient.
const TILE: u32 = 16u;                // units of a tile, and depth of a piece of the product
const RPT: u32 = {{ RPT }}u;          // rows a thread
const ROWS: u32 = TILE * RPT;         // rows of a tile

@group(0) @binding(0) var<storage, read_write> d_out: array<f32>;      // [T, B, G, H]
@group(0) @binding(1) var<storage, read_write> w_hh: array<vec4<f32>>; // [G, H(unit), H(k)] of i, f, g, o
@group(0) @binding(2) var<storage, read_write> gates: array<f32>;      // [T, B, G, 4H], activated
@group(0) @binding(3) var<storage, read_write> cells: array<f32>;      // [T, B, G, H]
@group(0) @binding(4) var<storage, read_write> c0: array<f32>;         // [G, B, H]
@group(0) @binding(5) var<storage, read_write> peephole: array<f32>;   // [G, 3, H] or one number
@group(0) @binding(6) var<storage, read_write> mask: array<f32>;       // [G, B, H] or one number
@group(0) @binding(7) var<storage, read_write> lengths: array<u32>;    // [B] or one number
@group(0) @binding(8) var<storage, read_write> d_gates: array<f32>;    // [T, B, G, 4H], before activation
@group(0) @binding(9) var<storage, read_write> d_state: array<f32>;    // [2, G, B, H]: of h (at the end) and c
@group(0) @binding(10) var<storage, read_write> info: array<u32>;      // T, B, G, after, unused, reverse a group

var<workgroup> d_pre: array<vec4<f32>, {{ STATE }}>; // [ROWS, TILE] of i, f, g, o
var<workgroup> weights: array<vec4<f32>, 256>;       // [TILE, TILE]

@compute @workgroup_size(16, 16, 1)
fn main(@builtin(workgroup_id) block: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let T = info[0];
    let B = info[1];
    let G = info[2];
    let after = info[3];
    let g = block.z;
    let reverse = info[5u + g] == 1u;
    let unit = block.x * TILE + thread.x;
    let row0 = block.y * ROWS + thread.y * RPT;
    var sum: array<f32, {{ RPT }}>;
    for (var r = 0u; r < RPT; r++) { sum[r] = 0.0; }

    for (var k0 = 0u; k0 < H && after < T; k0 += TILE) {
        let k = k0 + thread.x;
        for (var r = 0u; r < RPT; r++) {
            var d = vec4<f32>(0.0);
            if (k < H && row0 + r < B) {
                let row = row0 + r;
                let at = (time_of(after, length_of(row, T), reverse) * B + row) * G + g;
                d = vec4<f32>(
                    d_gates[at * 4u * H + k],
                    d_gates[(at * 4u + 1u) * H + k],
                    d_gates[(at * 4u + 2u) * H + k],
                    d_gates[(at * 4u + 3u) * H + k]);
            }
            d_pre[(thread.y * RPT + r) * TILE + thread.x] = d;
        }
        var w = vec4<f32>(0.0);
        if (k0 + thread.y < H && unit < H) { w = w_hh[(g * H + k0 + thread.y) * H + unit]; }
        weights[thread.y * TILE + thread.x] = w;
        workgroupBarrier();
        for (var i = 0u; i < TILE; i++) {
            for (var r = 0u; r < RPT; r++) {
                sum[r] += dot(weights[i * TILE + thread.x], d_pre[(thread.y * RPT + r) * TILE + i]);
            }
        }
        workgroupBarrier();
    }
    if (unit >= H) { return; }
    for (var r = 0u; r < RPT; r++) {
        let row = row0 + r;
        if (row >= B) { return; }
        let start = (g * B + row) * H + unit;
        let dh = masked(sum[r], start);
        if (after == 0u) {
            d_state[start] = dh;
            continue;
        }
        let s = after - 1u;
        let length = length_of(row, T);
        let at = (time_of(s, length, reverse) * B + row) * G + g;
        var before = c0[start];
        if (s > 0u) {
            let t = time_of(s - 1u, length, reverse);
            before = cells[((t * B + row) * G + g) * H + unit];
        }
        var dc = 0.0;
        if (after < T) { dc = d_state[G * B * H + start]; }
        let activated = vec4<f32>(
            gates[at * 4u * H + unit],
            gates[(at * 4u + 1u) * H + unit],
            gates[(at * 4u + 2u) * H + unit],
            gates[(at * 4u + 3u) * H + unit]);
        var d = step_back(activated, cells[at * H + unit], before, dh + d_out[at * H + unit], dc, peep_of(g, unit));
        if (s >= length) { d = Gradient(vec4<f32>(0.0), 0.0); }
        d_state[G * B * H + start] = d.cell;
        d_gates[at * 4u * H + unit] = d.gates.x;
        d_gates[(at * 4u + 1u) * H + unit] = d.gates.y;
        d_gates[(at * 4u + 2u) * H + unit] = d.gates.z;
        d_gates[(at * 4u + 3u) * H + unit] = d.gates.w;
    }
}
