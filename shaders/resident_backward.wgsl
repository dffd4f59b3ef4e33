// LSTM backward through time, steps last-1 down to first: a workgroup owns R rows of one group.
const WG: u32 = {{ WG }}u;    // threads of a workgroup
const RG: u32 = {{ RG }}u;    // row groups: threads / H, or 1
const RPT: u32 = {{ RPT }}u;  // rows a thread
const UPT: u32 = {{ UPT }}u;  // units a thread
const R: u32 = RG * RPT;      // rows a workgroup

@group(0) @binding(0) var<storage, read_write> d_out: array<f32>;      // [T, B, G, H]
@group(0) @binding(1) var<storage, read_write> w_hh: array<vec4<f32>>; // [G, H(unit), H(k)] of i, f, g, o
@group(0) @binding(2) var<storage, read_write> gates: array<f32>;      // [T, B, G, 4H], activated
@group(0) @binding(3) var<storage, read_write> cells: array<f32>;      // [T, B, G, H]
@group(0) @binding(4) var<storage, read_write> c0: array<f32>;         // [G, B, H]
@group(0) @binding(5) var<storage, read_write> peephole: array<f32>;   // [G, 3, H] or one number
@group(0) @binding(6) var<storage, read_write> mask: array<f32>;       // [G, B, H] or one number
@group(0) @binding(7) var<storage, read_write> lengths: array<u32>;    // [B] or one number
@group(0) @binding(8) var<storage, read_write> d_gates: array<f32>;    // [T, B, G, 4H], before activation
@group(0) @binding(9) var<storage, read_write> d_state: array<f32>;    // [2, G, B, H]: of h and c before step `first`
@group(0) @binding(10) var<storage, read_write> info: array<u32>;      // T, B, G, first, last, reverse a group

var<workgroup> d_pre: array<vec4<f32>, {{ STATE }}>; // [R, H] of i, f, g, o

@compute @workgroup_size({{ WG }}, 1, 1)
fn main(@builtin(workgroup_id) block: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let T = info[0];
    let B = info[1];
    let G = info[2];
    let first = info[3];
    let last = info[4];
    let g = block.y;
    let reverse = info[5u + g] == 1u;
    let row_group = select(thread / H, 0u, RG == 1u);
    let unit0 = select(thread % H, thread, RG == 1u);
    let local0 = row_group * RPT;
    let row0 = block.x * R + local0;
    var dh: array<f32, {{ CELLS }}>; // [UPT, RPT]
    var dc: array<f32, {{ CELLS }}>;

    for (var i = 0u; i < UPT; i++) {
        let u = unit0 + i * WG;
        if (u < H && row_group < RG) {
            for (var r = 0u; r < RPT; r++) {
                let start = (g * B + min(row0 + r, B - 1u)) * H + u;
                dh[i * RPT + r] = 0.0;
                dc[i * RPT + r] = 0.0;
                if (last < T) {
                    dh[i * RPT + r] = d_state[start];
                    dc[i * RPT + r] = d_state[G * B * H + start];
                }
            }
        }
    }
    for (var back = first; back < last; back++) {
        let s = last - 1u - (back - first);
        for (var i = 0u; i < UPT; i++) {
            let u = unit0 + i * WG;
            if (u < H && row_group < RG) {
                let peep = peep_of(g, u);
                for (var r = 0u; r < RPT; r++) {
                    let row = min(row0 + r, B - 1u);
                    let length = length_of(row, T);
                    let at = (time_of(s, length, reverse) * B + row) * G + g;
                    var before = c0[(g * B + row) * H + u];
                    if (s > 0u) {
                        let t = time_of(s - 1u, length, reverse);
                        before = cells[((t * B + row) * G + g) * H + u];
                    }
                    let activated = vec4<f32>(
                        gates[at * 4u * H + u],
                        gates[(at * 4u + 1u) * H + u],
                        gates[(at * 4u + 2u) * H + u],
                        gates[(at * 4u + 3u) * H + u]);
                    var d = step_back(
                        activated, cells[at * H + u], before,
                        dh[i * RPT + r] + d_out[at * H + u], dc[i * RPT + r], peep);
                    if (s >= length) { d = Gradient(vec4<f32>(0.0), 0.0); }
                    dc[i * RPT + r] = d.cell;
                    d_pre[(local0 + r) * H + u] = d.gates;
                    if (row0 + r < B) {
                        d_gates[at * 4u * H + u] = d.gates.x;
                        d_gates[(at * 4u + 1u) * H + u] = d.gates.y;
                        d_gates[(at * 4u + 2u) * H + u] = d.gates.z;
                        d_gates[(at * 4u + 3u) * H + u] = d.gates.w;
                    }
                }
            }
        }
        workgroupBarrier();
        for (var i = 0u; i < UPT; i++) {
            let k = unit0 + i * WG;
            if (k < H && row_group < RG) {
                var sum: array<f32, {{ RPT }}>;
                for (var r = 0u; r < RPT; r++) { sum[r] = 0.0; }
                for (var u = 0u; u < H; u++) {
                    let w = w_hh[(g * H + u) * H + k];
                    for (var r = 0u; r < RPT; r++) {
                        sum[r] += dot(w, d_pre[(local0 + r) * H + u]);
                    }
                }
                for (var r = 0u; r < RPT; r++) {
                    let row = min(row0 + r, B - 1u);
                    dh[i * RPT + r] = masked(sum[r], (g * B + row) * H + k);
                }
            }
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < UPT; i++) {
        let u = unit0 + i * WG;
        if (u < H && row_group < RG) {
            for (var r = 0u; r < RPT; r++) {
                if (row0 + r < B) {
                    let start = (g * B + row0 + r) * H + u;
                    d_state[start] = dh[i * RPT + r];
                    d_state[G * B * H + start] = dc[i * RPT + r];
                }
            }
        }
    }
}
