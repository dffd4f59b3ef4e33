// #import shared/cell.wgsl

// The hidden state that entered each step's recurrent product, as the weight gradient needs it; zero past a row's end.
@group(0) @binding(0) var<storage, read_write> out: array<f32>;      // [T, B, G, H]
@group(0) @binding(1) var<storage, read_write> h0: array<f32>;       // [G, B, H]
@group(0) @binding(2) var<storage, read_write> mask: array<f32>;     // [G, B, H] or one number
@group(0) @binding(3) var<storage, read_write> lengths: array<u32>;  // [B] or one number
@group(0) @binding(4) var<storage, read_write> previous: array<f32>; // [G, T, B, H]
@group(0) @binding(5) var<storage, read_write> info: array<u32>;     // T, B, G, first, last, reverse a group

@compute @workgroup_size({{ WG }}, 1, 1)
fn main(@builtin(workgroup_id) block: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let T = info[0];
    let B = info[1];
    let G = info[2];
    let t = info[3] + block.y;
    let g = block.z;
    let place = block.x * {{ WG }}u + thread; // in [B, H]
    if (place >= B * H) { return; }
    let row = place / H;
    let length = length_of(row, T);
    let source = select(t - 1u, t + 1u, info[5u + g] == 1u); // wraps below zero, which is past any length
    var h = 0.0;
    if (t < length) {
        if (source < length) {
            h = out[((source * B + row) * G + g) * H + place % H];
        } else {
            h = h0[g * B * H + place];
        }
        h = masked(h, g * B * H + place);
    }
    previous[(g * T + t) * B * H + place] = h;
}
