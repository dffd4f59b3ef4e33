// One step of LSTM forward: a workgroup computes a tile of TILE units × ROWS rows of one group.
const TILE: u32 = 16u;                // units of a tile, and depth of a piece of the product
const RPT: u32 = {{ RPT }}u;          // rows a thread
const ROWS: u32 = TILE * RPT;         // rows of a tile

@group(0) @binding(0) var<storage, read_write> projected: array<f32>;  // [T, B, G, 4H]
@group(0) @binding(1) var<storage, read_write> w_hh: array<vec4<f32>>; // [G, H(k), H(unit)] of i, f, g, o
@group(0) @binding(2) var<storage, read_write> h0: array<f32>;         // [G, B, H]
@group(0) @binding(3) var<storage, read_write> c0: array<f32>;         // [G, B, H]
@group(0) @binding(4) var<storage, read_write> peephole: array<f32>;   // [G, 3, H] or one number
@group(0) @binding(5) var<storage, read_write> mask: array<f32>;       // [G, B, H] or one number
@group(0) @binding(6) var<storage, read_write> lengths: array<u32>;    // [B] or one number
@group(0) @binding(7) var<storage, read_write> out: array<f32>;        // [T, B, G, H]
@group(0) @binding(8) var<storage, read_write> gates: array<f32>;      // [T, B, G, 4H]
@group(0) @binding(9) var<storage, read_write> cells: array<f32>;      // [T, B, G, H]
@group(0) @binding(10) var<storage, read_write> info: array<u32>;      // T, B, G, step, unused, reverse a group

var<workgroup> hidden: array<f32, {{ STATE }}>;  // [ROWS, TILE]
var<workgroup> weights: array<vec4<f32>, 256>;   // [TILE, TILE]

@compute @workgroup_size(16, 16, 1)
fn main(@builtin(workgroup_id) block: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let T = info[0];
    let B = info[1];
    let G = info[2];
    let s = info[3];
    let g = block.z;
    let reverse = info[5u + g] == 1u;
    let unit = block.x * TILE + thread.x;
    let row0 = block.y * ROWS + thread.y * RPT;
    var sum: array<vec4<f32>, {{ RPT }}>;
    for (var r = 0u; r < RPT; r++) { sum[r] = vec4<f32>(0.0); }

    for (var k0 = 0u; k0 < H; k0 += TILE) {
        let k = k0 + thread.x;
        for (var r = 0u; r < RPT; r++) {
            var h = 0.0;
            if (k < H && row0 + r < B) {
                let row = row0 + r;
                let start = (g * B + row) * H + k;
                h = h0[start];
                if (s > 0u) {
                    let t = time_of(s - 1u, length_of(row, T), reverse);
                    h = out[((t * B + row) * G + g) * H + k];
                }
                h = masked(h, start);
            }
            hidden[(thread.y * RPT + r) * TILE + thread.x] = h;
        }
        var w = vec4<f32>(0.0);
        if (k0 + thread.y < H && unit < H) { w = w_hh[(g * H + k0 + thread.y) * H + unit]; }
        weights[thread.y * TILE + thread.x] = w;
        workgroupBarrier();
        for (var i = 0u; i < TILE; i++) {
            for (var r = 0u; r < RPT; r++) {
                sum[r] = fma(
                    weights[i * TILE + thread.x],
                    vec4<f32>(hidden[(thread.y * RPT + r) * TILE + i]), sum[r]);
            }
        }
        workgroupBarrier();
    }
    if (unit >= H) { return; }
    for (var r = 0u; r < RPT; r++) {
        let row = row0 + r;
        if (row >= B) { return; }
        let length = length_of(row, T);
        let at = (time_of(s, length, reverse) * B + row) * G + g;
        var before = c0[(g * B + row) * H + unit];
        if (s > 0u) {
            let t = time_of(s - 1u, length, reverse);
            before = cells[((t * B + row) * G + g) * H + unit];
        }
        let a = sum[r] + vec4<f32>(
            projected[at * 4u * H + unit],
            projected[(at * 4u + 1u) * H + unit],
            projected[(at * 4u + 2u) * H + unit],
            projected[(at * 4u + 3u) * H + unit]);
        var stepped = step_on(a, before, peep_of(g, unit));
        if (s >= length) { stepped = Step(vec4<f32>(0.0), 0.0, 0.0); }
        out[at * H + unit] = stepped.hidden;
        cells[at * H + unit] = stepped.cell;
        gates[at * 4u * H + unit] = stepped.gates.x;
        gates[(at * 4u + 1u) * H + unit] = stepped.gates.y;
        gates[(at * 4u + 2u) * H + unit] = stepped.gates.z;
        gates[(at * 4u + 3u) * H + unit] = stepped.gates.w;
    }
}
