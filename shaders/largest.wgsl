// The largest magnitude in a tensor, as the bits of a positive f32: they order as the numbers do, and NaN comes last.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;               // N numbers
@group(0) @binding(1) var<storage, read_write> bits: array<atomic<u32>>;    // 1 number, 0 at first
@group(0) @binding(2) var<storage, read_write> info: array<u32>;            // N, threads of the dispatch

var<workgroup> most: array<u32, 256>;

@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) block: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    var found = 0u;
    for (var i = block.x * 256u + thread; i < info[0]; i += info[1]) {
        found = max(found, bitcast<u32>(x[i]) & 0x7fffffffu);
    }
    most[thread] = found;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (thread < half) { most[thread] = max(most[thread], most[thread + half]); }
    }
    if (thread == 0u) { atomicMax(&bits[0], most[0]); }
}
