//! Twin of `shaders/product_units.wgsl`.

/// What `product` sums, whatever the fragments; `info[4]` has to be 0, since tiles differ.
pub fn product_units(
    a_deep: bool,
    b_deep: bool,
    a: &[f32],
    b: &[f32],
    a_largest: &[u32],
    b_largest: &[u32],
    c: &mut [f32],
    info: &[u32],
) {
    super::product(a_deep, b_deep, a, b, a_largest, b_largest, c, info);
}
