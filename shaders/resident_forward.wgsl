// LSTM forward, steps [first, last): a workgroup owns R rows of one group and keeps their hidden state.
// Threads are units × row groups; a thread computes UPT units of RPT rows, all four gates at once.
const WG: u32 = {{ WG }}u;    // threads of a workgroup
const RG: u32 = {{ RG }}u;    // row groups: threads / H, or 1
const RPT: u32 = {{ RPT }}u;  // rows a thread
const UPT: u32 = {{ UPT }}u;  // units a thread
const R: u32 = RG * RPT;      // rows a workgroup

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
@group(0) @binding(10) var<storage, read_write> info: array<u32>;      // T, B, G, first, last, reverse a group

var<workgroup> hidden: array<f32, {{ STATE }}>; // two of [R, H], read and written in turn

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
    var c: array<f32, {{ CELLS }}>; // [UPT, RPT]

    for (var i = 0u; i < UPT; i++) {
        let u = unit0 + i * WG;
        if (u < H && row_group < RG) {
            for (var r = 0u; r < RPT; r++) {
                let row = min(row0 + r, B - 1u);
                let start = (g * B + row) * H + u;
                var h = h0[start];
                var cell = c0[start];
                if (first > 0u) {
                    let t = time_of(first - 1u, length_of(row, T), reverse);
                    let at = (t * B + row) * G + g;
                    h = out[at * H + u];
                    cell = cells[at * H + u];
                }
                c[i * RPT + r] = cell;
                hidden[(local0 + r) * H + u] = masked(h, start);
            }
        }
    }
    workgroupBarrier();

    var now = 0u;
    for (var s = first; s < last; s++) {
        let next = R * H - now;
        for (var i = 0u; i < UPT; i++) {
            let u = unit0 + i * WG;
            if (u < H && row_group < RG) {
                var sum: array<vec4<f32>, {{ RPT }}>;
                for (var r = 0u; r < RPT; r++) { sum[r] = vec4<f32>(0.0); }
                let base = now + local0 * H;
                for (var k = 0u; k < H; k++) {
                    let w = w_hh[(g * H + k) * H + u];
                    for (var r = 0u; r < RPT; r++) {
                        sum[r] = fma(w, vec4<f32>(hidden[base + r * H + k]), sum[r]);
                    }
                }
                let peep = peep_of(g, u);
                for (var r = 0u; r < RPT; r++) {
                    let row = min(row0 + r, B - 1u);
                    let length = length_of(row, T);
                    let at = (time_of(s, length, reverse) * B + row) * G + g;
                    let before = c[i * RPT + r];
                    let a = sum[r] + vec4<f32>(
                        projected[at * 4u * H + u],
                        projected[(at * 4u + 1u) * H + u],
                        projected[(at * 4u + 2u) * H + u],
                        projected[(at * 4u + 3u) * H + u]);
                    var stepped = step_on(a, before, peep);
                    if (s >= length) { stepped = Step(vec4<f32>(0.0), 0.0, 0.0); }
                    c[i * RPT + r] = stepped.cell;
                    hidden[next + (local0 + r) * H + u] = masked(stepped.hidden, (g * B + row) * H + u);
                    if (row0 + r < B) {
                        out[at * H + u] = stepped.hidden;
                        cells[at * H + u] = stepped.cell;
                        gates[at * 4u * H + u] = stepped.gates.x;
                        gates[(at * 4u + 1u) * H + u] = stepped.gates.y;
                        gates[(at * 4u + 2u) * H + u] = stepped.gates.z;
                        gates[(at * 4u + 3u) * H + u] = stepped.gates.w;
                    }
                }
            }
        }
        workgroupBarrier();
        now = next;
    }
}
