// #import shared/cell.wgsl

// LSTM forward, steps [first, last): a workgroup owns R rows of one group and keeps their hidden state.
// Threads are units × row groups; a thread computes UPT units of RPT rows, all four gates at once, so that every
// element of W_hh enters a thread once a step and is used RPT times. It goes from the cache straight to registers,
// four k at a time: row groups share it there, and a copy in workgroup memory would only add barriers.
const WG: u32 = {{ WG }}u;        // threads of a workgroup
const LANES: u32 = {{ LANES }}u;  // H rounded up to a multiple of four
const RG: u32 = {{ RG }}u;        // row groups: 1 where LANES has more than WG units
const RPT: u32 = {{ RPT }}u;      // rows a thread, a multiple of four
const UPT: u32 = {{ UPT }}u;      // units a thread
const QPT: u32 = RPT / 4u;        // fours of rows a thread
const RQ: u32 = RG * QPT;         // fours of rows a workgroup

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
@group(0) @binding(10) var<storage, read_write> info: array<u32>;         // T, B, G, first, last, reverse a group

var<workgroup> hidden: array<vec4<Stored>, {{ STATE }}>; // [LANES(k), RQ] of four rows

@compute @workgroup_size({{ WG }}, 1, 1)
fn main(@builtin(workgroup_id) block: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let T = info[0];
    let B = info[1];
    let G = info[2];
    let first = info[3];
    let last = info[4];
    let g = block.y;
    let reverse = info[5u + g] == 1u;
    let row_group = select(thread / LANES, 0u, RG == 1u);
    let unit0 = select(thread % LANES, thread, RG == 1u);
    let quad0 = row_group * QPT;
    let row0 = (block.x * RQ + quad0) * 4u;
    var c: array<f32, {{ CELLS }}>; // [UPT, RPT]

    for (var i = 0u; i < UPT; i++) {
        let u = unit0 + i * WG;
        if (u < LANES && row_group < RG) {
            for (var q = 0u; q < QPT; q++) {
                var four = vec4<f32>(0.0);
                for (var r = 0u; r < 4u && u < H; r++) {
                    let row = min(row0 + q * 4u + r, B - 1u);
                    let start = (g * B + row) * H + u;
                    var h = h0[start];
                    var cell = c0[start];
                    if (first > 0u) {
                        let t = time_of(first - 1u, length_of(row, T), reverse);
                        let at = (t * B + row) * G + g;
                        h = out[at * H + u];
                        cell = cells[at * H + u];
                    }
                    c[i * RPT + q * 4u + r] = cell;
                    four[r] = masked(h, start);
                }
                hidden[u * RQ + quad0 + q] = vec4<Stored>(four);
            }
        }
    }
    workgroupBarrier();

    for (var s = first; s < last; s++) {
        var sum: array<vec4<f32>, {{ CELLS }}>; // [UPT, RPT] of i, f, g, o
        for (var n = 0u; n < UPT * RPT; n++) { sum[n] = vec4<f32>(0.0); }
        if (row_group < RG) {
            for (var k = 0u; k < LANES; k += 4u) {
                // Past H the hidden state is zero, and any weight will do.
                var w: array<vec4<f32>, {{ WEIGHTS }}>; // [4(k), UPT]
                for (var j = 0u; j < 4u; j++) {
                    for (var i = 0u; i < UPT; i++) {
                        let u = min(unit0 + i * WG, H - 1u);
                        w[j * UPT + i] = vec4<f32>(w_hh[(g * H + min(k + j, H - 1u)) * H + u]);
                    }
                }
                for (var j = 0u; j < 4u; j++) {
                    for (var q = 0u; q < QPT; q++) {
                        let h = vec4<f32>(hidden[(k + j) * RQ + quad0 + q]);
                        for (var i = 0u; i < UPT; i++) {
                            let at = i * RPT + q * 4u;
                            sum[at] = fma(w[j * UPT + i], h.xxxx, sum[at]);
                            sum[at + 1u] = fma(w[j * UPT + i], h.yyyy, sum[at + 1u]);
                            sum[at + 2u] = fma(w[j * UPT + i], h.zzzz, sum[at + 2u]);
                            sum[at + 3u] = fma(w[j * UPT + i], h.wwww, sum[at + 3u]);
                        }
                    }
                }
            }
        }
        workgroupBarrier();
        for (var i = 0u; i < UPT; i++) {
            let u = unit0 + i * WG;
            if (u < H && row_group < RG) {
                let peep = peep_of(g, u);
                for (var q = 0u; q < QPT; q++) {
                    var four = vec4<f32>(0.0);
                    for (var r = 0u; r < 4u; r++) {
                        let n = i * RPT + q * 4u + r;
                        let wanted = row0 + q * 4u + r;
                        let row = min(wanted, B - 1u);
                        let length = length_of(row, T);
                        let at = (time_of(s, length, reverse) * B + row) * G + g;
                        let a = sum[n] + vec4<f32>(
                            projected[at * 4u * H + u],
                            projected[(at * 4u + 1u) * H + u],
                            projected[(at * 4u + 2u) * H + u],
                            projected[(at * 4u + 3u) * H + u]);
                        var stepped = step_on(a, c[n], peep);
                        if (s >= length) { stepped = Step(vec4<f32>(0.0), 0.0, 0.0); }
                        c[n] = stepped.cell;
                        four[r] = masked(stepped.hidden, (g * B + row) * H + u);
                        if (wanted < B) {
                            out[at * H + u] = stepped.hidden;
                            cells[at * H + u] = stepped.cell;
                            gates[at * 4u * H + u] = Stored(stepped.gates.x);
                            gates[(at * 4u + 1u) * H + u] = Stored(stepped.gates.y);
                            gates[(at * 4u + 2u) * H + u] = Stored(stepped.gates.z);
                            gates[(at * 4u + 3u) * H + u] = Stored(stepped.gates.w);
                        }
                    }
                    hidden[u * RQ + quad0 + q] = vec4<Stored>(four);
                }
            }
        }
        workgroupBarrier();
    }
}

// #import shared/step.wgsl
