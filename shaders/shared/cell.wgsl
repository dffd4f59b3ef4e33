// What every recurrence kernel shares: options, activations, and where a row stands in time.
const H: u32 = {{ H }}u;                  // hidden units of a group
const PEEPHOLE: bool = {{ PEEPHOLE }};    // gates see the cell state
const MASKED: bool = {{ MASKED }};        // the hidden state is masked before the product
const LENGTHS: bool = {{ LENGTHS }};      // rows end at their own step
alias Stored = {{ STORED }};              // weights, what enters a product, and saved gates: f32 or f16; sums are f32

// exp of a number that is never positive: no overflow, and NaN stays NaN.
fn sigmoid(x: f32) -> f32 {
    let e = exp(-abs(x));
    return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

fn tanh_of(x: f32) -> f32 {
    let e = exp(-2.0 * abs(x));
    let r = (1.0 - e) / (1.0 + e);
    return select(-r, r, x >= 0.0);
}

// Valid steps of a row out of T.
fn length_of(row: u32, steps: u32) -> u32 {
    if (LENGTHS) { return min(lengths[row], steps); }
    return steps;
}

// Time index of a row's s-th step, s < length; past the end, s itself.
fn time_of(s: u32, length: u32, reverse: bool) -> u32 {
    if (reverse && s < length) { return length - 1u - s; }
    return s;
}

// A hidden value as the recurrent product sees it; `at` is its place in [G, B, H].
fn masked(value: f32, at: u32) -> f32 {
    if (MASKED) { return value * mask[at]; }
    return value;
}
