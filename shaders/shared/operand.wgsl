// One operand of a product: numbers x(g, outer, k) whose memory has stride 1 along k (deep) or along outer.

const {{ X }}_DEEP: bool = {{ X.DEEP }};

// Where a group's row starts, or its column where the operand is not deep.
fn {{ X }}_start(g: u32, outer: u32, k: u32) -> u32 {
    let step = info[{{ X.STRIDES }}u + 1u];
    return g * info[{{ X.STRIDES }}u] + select(k * step + outer, outer * step + k, {{ X }}_DEEP);
}

// Four numbers along the axis of stride 1, zero where outer is not below `outers` or k not below `end`.
fn {{ X }}_four(g: u32, outer: u32, k: u32, outers: u32, end: u32) -> vec4<f32> {
    if (outer >= outers || k >= end) { return vec4<f32>(0.0); }
    let at = {{ X }}_start(g, outer, k);
    {{ X.LOAD }}
}
