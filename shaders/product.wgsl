// A batched product, C(g, m, n) = sum over k of A(g, m, k) · B(g, n, k), without matrix units: operands rounded to f16,
// sums in f32. A workgroup computes a tile of TILE × TILE numbers over one piece of K.
const TILE: u32 = 64u;          // rows and columns of a tile; a thread has 4 × 4 of them
const DEPTH: u32 = 16u;         // of K at a time
const PITCH: u32 = TILE + 4u;   // keeps the threads that turn a deep operand out of each other's banks

@group(0) @binding(0) var<storage, read_write> a: array<{{ A_TYPE }}>;      // A, by the strides in info
@group(0) @binding(1) var<storage, read_write> b: array<{{ B_TYPE }}>;      // B
@group(0) @binding(2) var<storage, read_write> a_largest: array<u32>;       // bits of A's largest magnitude
@group(0) @binding(3) var<storage, read_write> b_largest: array<u32>;       // of B's
@group(0) @binding(4) var<storage, read_write> c: array<f32>;               // [pieces, G, M, N]
@group(0) @binding(5) var<storage, read_write> info: array<u32>;            // M, N, K, G, first tile, first z, piece, strides of A, of B

var<workgroup> a_tile: array<f32, {{ SHARED }}>; // [DEPTH, PITCH]
var<workgroup> b_tile: array<f32, {{ SHARED }}>;

@compute @workgroup_size(16, 16, 1)
fn main(@builtin(workgroup_id) block: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let M = info[0];
    let N = info[1];
    let z = info[5] + block.z;
    let g = z % info[3];
    let first = z / info[3] * info[6];
    let end = min(info[2], first + info[6]);
    let m0 = (info[4] + block.y) * TILE;
    let n0 = block.x * TILE;
    let place = thread.y * 16u + thread.x;
    let a_scale = scale_of(a_largest[0]);
    let b_scale = scale_of(b_largest[0]);
    // Which four numbers a thread loads: threads side by side go along the axis of stride 1.
    let a_outer = select(place % 16u * 4u, place / 4u, a_DEEP);
    let a_k = select(place / 16u, place % 4u * 4u, a_DEEP);
    let b_outer = select(place % 16u * 4u, place / 4u, b_DEEP);
    let b_k = select(place / 16u, place % 4u * 4u, b_DEEP);
    let a_step = select(1u, PITCH, a_DEEP);
    let b_step = select(1u, PITCH, b_DEEP);
    var sum0 = vec4<f32>(0.0);
    var sum1 = vec4<f32>(0.0);
    var sum2 = vec4<f32>(0.0);
    var sum3 = vec4<f32>(0.0);

    // The next numbers are on their way while the present ones are multiplied.
    var a_next = a_four(g, m0 + a_outer, first + a_k, M, end);
    var b_next = b_four(g, n0 + b_outer, first + b_k, N, end);
    for (var k0 = first; k0 < end; k0 += DEPTH) {
        let a_now = quantizeToF16(a_next * a_scale);
        let b_now = quantizeToF16(b_next * b_scale);
        for (var i = 0u; i < 4u; i++) {
            a_tile[a_k * PITCH + a_outer + i * a_step] = a_now[i];
            b_tile[b_k * PITCH + b_outer + i * b_step] = b_now[i];
        }
        workgroupBarrier();
        a_next = a_four(g, m0 + a_outer, k0 + DEPTH + a_k, M, end);
        b_next = b_four(g, n0 + b_outer, k0 + DEPTH + b_k, N, end);
        for (var k = 0u; k < DEPTH; k++) {
            let at = k * PITCH + thread.y * 4u;
            let bt = k * PITCH + thread.x * 4u;
            let w = vec4<f32>(b_tile[bt], b_tile[bt + 1u], b_tile[bt + 2u], b_tile[bt + 3u]);
            sum0 = fma(vec4<f32>(a_tile[at]), w, sum0);
            sum1 = fma(vec4<f32>(a_tile[at + 1u]), w, sum1);
            sum2 = fma(vec4<f32>(a_tile[at + 2u]), w, sum2);
            sum3 = fma(vec4<f32>(a_tile[at + 3u]), w, sum3);
        }
        workgroupBarrier();
    }
    var sums = array<vec4<f32>, 4>(sum0, sum1, sum2, sum3);
    for (var i = 0u; i < 4u; i++) {
        let m = m0 + thread.y * 4u + i;
        for (var j = 0u; j < 4u; j++) {
            let n = n0 + thread.x * 4u + j;
            if (m < M && n < N) { c[(z * M + m) * N + n] = unscaled(sums[i][j], a_largest[0], b_largest[0]); }
        }
    }
}
