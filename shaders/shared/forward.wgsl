// The ends of a step forward by one dispatch: what enters its product, and what a unit makes of its sums.
// The hidden value of k that enters the product; `from` and `start` are the places of its row in out and h0.
fn entering(s: u32, from_row: u32, start: u32, k: u32) -> f32 {
    if (k >= H) { return 0.0; }
    if (s > 0u) { return masked(out[from_row + k], start + k); }
    return masked(h0[start + k], start + k);
}

fn finish(sums: vec4<f32>, s: u32, g: u32, row: u32, unit: u32) {
    let T = info[0];
    let B = info[1];
    let G = info[2];
    if (unit >= H || row >= B) { return; }
    let reverse = info[5u + g] == 1u;
    let length = length_of(row, T);
    let at = (time_of(s, length, reverse) * B + row) * G + g;
    var before = c0[(g * B + row) * H + unit];
    if (s > 0u) {
        let t = time_of(s - 1u, length, reverse);
        before = cells[((t * B + row) * G + g) * H + unit];
    }
    let a = sums + vec4<f32>(
        projected[at * 4u * H + unit],
        projected[(at * 4u + 1u) * H + unit],
        projected[(at * 4u + 2u) * H + unit],
        projected[(at * 4u + 3u) * H + unit]);
    var stepped = step_on(a, before, peep_of(g, unit));
    if (s >= length) { stepped = Step(vec4<f32>(0.0), 0.0, 0.0); }
    out[at * H + unit] = stepped.hidden;
    cells[at * H + unit] = stepped.cell;
    gates[at * 4u * H + unit] = Stored(stepped.gates.x);
    gates[(at * 4u + 1u) * H + unit] = Stored(stepped.gates.y);
    gates[(at * 4u + 2u) * H + unit] = Stored(stepped.gates.z);
    gates[(at * 4u + 3u) * H + unit] = Stored(stepped.gates.w);
}
