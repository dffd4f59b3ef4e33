// The end of a step backward by one dispatch: from the gradient of a unit's hidden state to that of its gates in the
// step before, which it returns.
fn finish(sum: f32, after: u32, g: u32, row: u32, unit: u32) -> vec4<f32> {
    let T = info[0];
    let B = info[1];
    let G = info[2];
    if (unit >= H || row >= B) { return vec4<f32>(0.0); }
    let reverse = info[5u + g] == 1u;
    let start = (g * B + row) * H + unit;
    let dh = masked(sum, start);
    if (after == 0u) {
        d_state[start] = dh;
        return vec4<f32>(0.0);
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
        f32(gates[at * 4u * H + unit]),
        f32(gates[(at * 4u + 1u) * H + unit]),
        f32(gates[(at * 4u + 2u) * H + unit]),
        f32(gates[(at * 4u + 3u) * H + unit]));
    var d = step_back(activated, cells[at * H + unit], before, dh + d_out[at * H + unit], dc, peep_of(g, unit));
    if (s >= length) { d = Gradient(vec4<f32>(0.0), 0.0); }
    d_state[G * B * H + start] = d.cell;
    d_gates[at * 4u * H + unit] = d.gates.x;
    d_gates[(at * 4u + 1u) * H + unit] = d.gates.y;
    d_gates[(at * 4u + 2u) * H + unit] = d.gates.z;
    d_gates[(at * 4u + 3u) * H + unit] = d.gates.w;
    return d.gates;
}
