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

impl Shared<'_> {
    /// Writes the first `count` of L numbers at `offset`.
    ///
    /// # Safety
    /// As for [`Shared::write`].
    #[inline(always)]
    pub unsafe fn write_vector<const L: usize>(
        &self,
        offset: usize,
        values: &[f32; L],
        count: usize,
    ) {
        // A length known to the compiler is one store; any other is a call.
        let values = if count == L { &values[..] } else { &values[..count] };
        // The caller's promise.
        unsafe { self.write(offset, values) };
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

/// Writes the first `count` ≤ L numbers of a vector.
#[inline(always)]
pub fn store<const L: usize>(to: &mut [f32], offset: usize, vector: &[f32; L], count: usize) {
    if count == L {
        to[offset..offset + L].copy_from_slice(vector);
    } else {
        to[offset..offset + count].copy_from_slice(&vector[..count]);
    }
}
