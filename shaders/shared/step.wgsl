// One unit's step forward and backward, shared by the recurrence kernels.
// w_ci, w_cf, w_co of a unit; zeros without peepholes.
fn peep_of(g: u32, u: u32) -> vec3<f32> {
    if (PEEPHOLE) {
        return vec3<f32>(
            peephole[g * 3u * H + u],
            peephole[(g * 3u + 1u) * H + u],
            peephole[(g * 3u + 2u) * H + u]);
    }
    return vec3<f32>(0.0);
}

struct Step {
    gates: vec4<f32>, // activated i, f, g, o
    cell: f32,
    hidden: f32,
}

// sums: i, f, g, o before activation and without peepholes; before: the cell state of the step before.
fn step_on(sums: vec4<f32>, before: f32, peep: vec3<f32>) -> Step {
    let i = sigmoid(sums.x + peep.x * before);
    let f = sigmoid(sums.y + peep.y * before);
    let g = tanh_of(sums.z);
    let cell = f * before + i * g;
    let o = sigmoid(sums.w + peep.z * cell);
    return Step(vec4<f32>(i, f, g, o), cell, o * tanh_of(cell));
}

struct Gradient {
    gates: vec4<f32>, // of i, f, g, o before activation
    cell: f32,        // of the cell state of the step before
}

// gates: activated i, f, g, o; peep: w_ci, w_cf, w_co of the unit.
fn step_back(gates: vec4<f32>, cell: f32, before: f32, d_hidden: f32, d_cell: f32, peep: vec3<f32>) -> Gradient {
    let squashed = tanh_of(cell);
    let d_o = d_hidden * squashed * gates.w * (1.0 - gates.w);
    let dc = d_cell + d_hidden * gates.w * (1.0 - squashed * squashed) + d_o * peep.z;
    let d_i = dc * gates.z * gates.x * (1.0 - gates.x);
    let d_f = dc * before * gates.y * (1.0 - gates.y);
    let d_g = dc * gates.x * (1.0 - gates.z * gates.z);
    return Gradient(vec4<f32>(d_i, d_f, d_g, d_o), dc * gates.y + d_i * peep.x + d_f * peep.y);
}
