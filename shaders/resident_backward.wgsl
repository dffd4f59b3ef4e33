// #import shared/cell.wgsl

// LSTM backward through time, steps last-1 down to first: a workgroup owns R rows of one group.
// Threads are lanes × row groups, and a lane has two parts to play. In the cell's step it is a unit. In the product
// it is one gate of four units, a quarter of H apart: a thread sums over that gate alone, 4 units × RPT rows, so that
// all threads have work although the product's outputs are a quarter of the forward pass's. `pieces` holds in turn
// the gates' gradient that enters the product, and the four partial sums that leave it.
const WG: u32 = {{ WG }}u;        // threads of a workgroup
const LANES: u32 = {{ LANES }}u;  // H rounded up to a multiple of four
const HQ: u32 = LANES / 4u;       // fours of units
const RG: u32 = {{ RG }}u;        // row groups: 1 where LANES has more than WG units
const RPT: u32 = {{ RPT }}u;      // rows a thread, a multiple of four
const UPT: u32 = {{ UPT }}u;      // lanes a thread
const QPT: u32 = RPT / 4u;        // fours of rows a thread
const RQ: u32 = RG * QPT;         // fours of rows a workgroup

@group(0) @binding(0) var<storage, read_write> d_out: array<f32>;         // [T, B, G, H]
@group(0) @binding(1) var<storage, read_write> w_hh: array<vec4<Stored>>; // [G, 4H, HQ] of units l, l+HQ, l+2HQ, l+3HQ
@group(0) @binding(2) var<storage, read_write> gates: array<Stored>;      // [T, B, G, 4H], activated
@group(0) @binding(3) var<storage, read_write> cells: array<f32>;         // [T, B, G, H]
@group(0) @binding(4) var<storage, read_write> c0: array<f32>;            // [G, B, H]
@group(0) @binding(5) var<storage, read_write> peephole: array<f32>;      // [G, 3, H] or one number
@group(0) @binding(6) var<storage, read_write> mask: array<f32>;          // [G, B, H] or one number
@group(0) @binding(7) var<storage, read_write> lengths: array<u32>;       // [B] or one number
@group(0) @binding(8) var<storage, read_write> d_gates: array<f32>;       // [T, B, G, 4H], before activation
@group(0) @binding(9) var<storage, read_write> d_state: array<f32>;       // [2, G, B, H]: of h and c before step `first`
@group(0) @binding(10) var<storage, read_write> info: array<u32>;         // T, B, G, first, last, reverse a group

var<workgroup> pieces: array<vec4<f32>, {{ STATE }}>; // [4(gate), LANES, RQ] of four rows

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
    let lane0 = select(thread % LANES, thread, RG == 1u);
    let quad0 = row_group * QPT;
    let row0 = (block.x * RQ + quad0) * 4u;
    var dc: array<f32, {{ CELLS }}>;    // [UPT, RPT]
    var cell: array<f32, {{ CELLS }}>;  // of the step at hand

    for (var i = 0u; i < UPT; i++) {
        let u = lane0 + i * WG;
        if (u < LANES && row_group < RG) {
            for (var q = 0u; q < QPT; q++) {
                var four = vec4<f32>(0.0);
                for (var r = 0u; r < 4u && u < H; r++) {
                    let n = i * RPT + q * 4u + r;
                    let row = min(row0 + q * 4u + r, B - 1u);
                    let start = (g * B + row) * H + u;
                    let t = time_of(last - 1u, length_of(row, T), reverse);
                    cell[n] = cells[((t * B + row) * G + g) * H + u];
                    dc[n] = 0.0;
                    if (last < T) {
                        four[r] = d_state[start];
                        dc[n] = d_state[G * B * H + start];
                    }
                }
                pieces[u * RQ + quad0 + q] = four;
                for (var v = 1u; v < 4u; v++) { pieces[(v * LANES + u) * RQ + quad0 + q] = vec4<f32>(0.0); }
            }
        }
    }

    for (var back = first; back < last; back++) {
        let s = last - 1u - (back - first);
        // Every thread reads the sums of its own unit and leaves that unit's gradient in the same places.
        for (var i = 0u; i < UPT; i++) {
            let u = lane0 + i * WG;
            if (u < H && row_group < RG) {
                let peep = peep_of(g, u);
                for (var q = 0u; q < QPT; q++) {
                    let place = u * RQ + quad0 + q;
                    let dh = pieces[place] + pieces[LANES * RQ + place]
                        + pieces[2u * LANES * RQ + place] + pieces[3u * LANES * RQ + place];
                    var of_i: vec4<f32>;
                    var of_f: vec4<f32>;
                    var of_g: vec4<f32>;
                    var of_o: vec4<f32>;
                    for (var r = 0u; r < 4u; r++) {
                        let n = i * RPT + q * 4u + r;
                        let wanted = row0 + q * 4u + r;
                        let row = min(wanted, B - 1u);
                        let length = length_of(row, T);
                        let at = (time_of(s, length, reverse) * B + row) * G + g;
                        let start = (g * B + row) * H + u;
                        var before = c0[start];
                        if (s > 0u) {
                            let t = time_of(s - 1u, length, reverse);
                            before = cells[((t * B + row) * G + g) * H + u];
                        }
                        // What the first step starts from has no product behind it, and no mask.
                        var d_hidden = dh[r];
                        if (back > first) { d_hidden = masked(d_hidden, start); }
                        let activated = vec4<f32>(
                            f32(gates[at * 4u * H + u]),
                            f32(gates[(at * 4u + 1u) * H + u]),
                            f32(gates[(at * 4u + 2u) * H + u]),
                            f32(gates[(at * 4u + 3u) * H + u]));
                        var d = step_back(activated, cell[n], before, d_hidden + d_out[at * H + u], dc[n], peep);
                        if (s >= length) { d = Gradient(vec4<f32>(0.0), 0.0); }
                        cell[n] = before;
                        dc[n] = d.cell;
                        of_i[r] = d.gates.x;
                        of_f[r] = d.gates.y;
                        of_g[r] = d.gates.z;
                        of_o[r] = d.gates.w;
                        if (wanted < B) {
                            d_gates[at * 4u * H + u] = d.gates.x;
                            d_gates[(at * 4u + 1u) * H + u] = d.gates.y;
                            d_gates[(at * 4u + 2u) * H + u] = d.gates.z;
                            d_gates[(at * 4u + 3u) * H + u] = d.gates.w;
                        }
                    }
                    pieces[place] = of_i;
                    pieces[LANES * RQ + place] = of_f;
                    pieces[2u * LANES * RQ + place] = of_g;
                    pieces[3u * LANES * RQ + place] = of_o;
                }
            }
        }
        workgroupBarrier();
        var sum: array<vec4<f32>, {{ CELLS }}>; // [UPT, QPT, 4(unit)] of four rows
        for (var n = 0u; n < UPT * RPT; n++) { sum[n] = vec4<f32>(0.0); }
        for (var i = 0u; i < UPT; i++) {
            let lane = lane0 + i * WG;
            if (lane < LANES && row_group < RG) {
                let gate = lane / HQ;
                for (var u = 0u; u < LANES; u += 4u) {
                    // Past H the gradient is zero, and any weight will do.
                    var w: array<vec4<f32>, 4>;
                    for (var j = 0u; j < 4u; j++) {
                        w[j] = vec4<f32>(w_hh[((g * 4u + gate) * H + min(u + j, H - 1u)) * HQ + lane % HQ]);
                    }
                    for (var j = 0u; j < 4u; j++) {
                        for (var q = 0u; q < QPT; q++) {
                            let d = pieces[(gate * LANES + u + j) * RQ + quad0 + q];
                            let n = i * RPT + q * 4u;
                            sum[n] = fma(d, w[j].xxxx, sum[n]);
                            sum[n + 1u] = fma(d, w[j].yyyy, sum[n + 1u]);
                            sum[n + 2u] = fma(d, w[j].zzzz, sum[n + 2u]);
                            sum[n + 3u] = fma(d, w[j].wwww, sum[n + 3u]);
                        }
                    }
                }
            }
        }
        workgroupBarrier();
        for (var i = 0u; i < UPT; i++) {
            let lane = lane0 + i * WG;
            if (lane < LANES && row_group < RG) {
                for (var q = 0u; q < QPT; q++) {
                    for (var part = 0u; part < 4u; part++) {
                        let unit = part * HQ + lane % HQ;
                        // A padded unit keeps its zero: it is no unit's sum.
                        let value = select(vec4<f32>(0.0), sum[i * RPT + q * 4u + part], unit < H);
                        pieces[((lane / HQ) * LANES + unit) * RQ + quad0 + q] = value;
                    }
                }
            }
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < UPT; i++) {
        let u = lane0 + i * WG;
        if (u < H && row_group < RG) {
            for (var q = 0u; q < QPT; q++) {
                let place = u * RQ + quad0 + q;
                let dh = pieces[place] + pieces[LANES * RQ + place]
                    + pieces[2u * LANES * RQ + place] + pieces[3u * LANES * RQ + place];
                for (var r = 0u; r < 4u; r++) {
                    let row = row0 + q * 4u + r;
                    if (row < B) {
                        let start = (g * B + row) * H + u;
                        d_state[start] = masked(dh[r], start);
                        d_state[G * B * H + start] = dc[i * RPT + q * 4u + r];
                    }
                }
            }
        }
    }
}

// #import shared/step.wgsl
