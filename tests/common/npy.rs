//! Arrays as NumPy writes them, and the two files beside them.
#![allow(dead_code, reason = "each test uses its own part")]

use npyz::WriterBuilder;

/// An array as NumPy writes it.
pub fn npy<T: npyz::AutoSerialize + Copy>(
    shape: &[u64],
    order: npyz::Order,
    data: &[T],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(shape)
        .order(order)
        .writer(&mut bytes)
        .begin_nd()
        .unwrap();
    writer.extend(data.iter().copied()).unwrap();
    writer.finish().unwrap();
    bytes
}

/// An array in C order.
pub fn array<T: npyz::AutoSerialize + Copy>(shape: &[usize], data: &[T]) -> Vec<u8> {
    let shape: Vec<u64> = shape.iter().map(|&length| length as u64).collect();
    npy(&shape, npyz::Order::C, data)
}

/// A layout of this many joints, each but the first hanging on one before it; two have sides.
pub fn layout(joints: usize) -> String {
    let name = |joint| match joint {
        1 => "'left hand'".into(),
        2 => "'right hand'".into(),
        other => format!("'joint {other}'"),
    };
    let names: Vec<String> = (0..joints).map(name).collect();
    let bones: Vec<String> = (1..joints).map(|j| format!("[{j}, {}]", j / 2)).collect();
    format!(
        "name = 'made'\nunit = 'pixel'\nup = '-y'\njoints = [{}]\nbones = [{}]\n",
        names.join(", "),
        bones.join(", ")
    )
}
