//! How the tasks of a recurrence share the output buffers, and how rows are dealt out.

use super::Dims;
use std::marker::PhantomData;
use std::ops::Range;

/// A buffer that several tasks fill at disjoint places.
///
/// The tensors are [T, B, G, …] and a task owns some rows of one group over all steps, which no split of a
/// slice can express.
pub struct Shared<'a> {
    start: *mut f32,
    len: usize,
    owner: PhantomData<&'a mut [f32]>,
}

// Safe to share: `write` is the only access, and its callers keep to rows of their own.
unsafe impl Send for Shared<'_> {}
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    pub fn new(buffer: &'a mut [f32]) -> Self {
        Shared {
            start: buffer.as_mut_ptr(),
            len: buffer.len(),
            owner: PhantomData,
        }
    }

    /// Writes `values` at `offset`.
    ///
    /// # Safety
    /// No other task writes there during the borrow.
    #[inline(always)]
    pub unsafe fn write(&self, offset: usize, values: &[f32]) {
        assert!(
            offset + values.len() <= self.len,
            "a row outside its buffer"
        );
        // In bounds by the assertion, exclusive by the caller's promise.
        unsafe {
            std::ptr::copy_nonoverlapping(values.as_ptr(), self.start.add(offset), values.len());
        }
    }
}

/// One task: a group and a block of its rows.
#[derive(Debug, Clone)]
pub struct Block {
    pub group: usize,
    pub rows: Range<usize>,
}

/// Deals groups and rows out in about two blocks a thread, in whole tiles of R rows and two of them at least, so that
/// W_hh is read for many rows at once.
pub fn blocks<const R: usize>(dims: Dims) -> Vec<Block> {
    let wanted = (2 * rayon::current_num_threads()).div_ceil(dims.groups);
    let rows = dims.batch.div_ceil(wanted).max(2 * R).next_multiple_of(R);
    (0..dims.groups)
        .flat_map(|group| {
            (0..dims.batch).step_by(rows).map(move |start| Block {
                group,
                rows: start..(start + rows).min(dims.batch),
            })
        })
        .collect()
}

/// Reads `count` ≤ L numbers into a vector, zeros behind them.
#[inline(always)]
pub fn load<const L: usize>(from: &[f32], offset: usize, count: usize) -> [f32; L] {
    let mut vector = [0.0; L];
    if count == L {
        vector.copy_from_slice(&from[offset..offset + L]);
    } else {
        vector[..count].copy_from_slice(&from[offset..offset + count]);
    }
    vector
}
