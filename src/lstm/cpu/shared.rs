//! How the tasks of a recurrence share the output buffers, and how rows are divided among them.

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

// SAFETY: writing is the only access, and the callers write disjoint rows.
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
        // SAFETY: in bounds by the assertion, exclusive by the caller's promise.
        unsafe {
            std::ptr::copy_nonoverlapping(values.as_ptr(), self.start.add(offset), values.len());
        }
    }

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
        assert!(
            offset + L <= self.len || count < L,
            "a row outside its buffer"
        );
        if count == L {
            // SAFETY: in bounds by the assertion, exclusive by the caller's promise.
            unsafe {
                self.start
                    .add(offset)
                    .cast::<[f32; L]>()
                    .write_unaligned(*values)
            };
        } else {
            // SAFETY: the caller's promise.
            unsafe { self.write_part(offset, &values[..count]) };
        }
    }

    /// [`Shared::write`] where it must not be merged with the store of a whole vector, which would become a call.
    #[cold]
    #[inline(never)]
    unsafe fn write_part(&self, offset: usize, values: &[f32]) {
        // SAFETY: the caller's promise.
        unsafe { self.write(offset, values) };
    }
}

/// One task: a group and a block of its rows.
#[derive(Debug, Clone)]
pub struct Block {
    pub group: usize,
    pub rows: Range<usize>,
}

/// Maximum rows of a block: their states fit the caches, and with more rows the cost of reading W_hh once per step and
/// block would already be small compared with the products.
const MOST_ROWS: usize = 64;

/// Divides groups and rows among the threads of the pool: as few blocks as keep all threads equally busy, of at least R
/// rows.
pub fn blocks<const R: usize>(dims: Dims) -> Vec<Block> {
    let (least, most) = (dims.batch.div_ceil(MOST_ROWS), dims.batch.div_ceil(R));
    let alike =
        |a_group: &usize| (a_group * dims.groups).is_multiple_of(rayon::current_num_threads());
    let a_group = (least..=most).find(alike).unwrap_or(most);
    let rows = dims.batch.div_ceil(a_group.max(1)).max(1);
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
    match from[offset..].first_chunk() {
        Some(vector) if count == L => *vector,
        _ => load_part(&from[offset..offset + count]),
    }
}

/// Writes the first `count` ≤ L numbers of a vector.
#[inline(always)]
pub fn store<const L: usize>(to: &mut [f32], offset: usize, vector: &[f32; L], count: usize) {
    match to[offset..].first_chunk_mut() {
        Some(to) if count == L => *to = *vector,
        _ => store_part(&mut to[offset..offset + count], &vector[..count]),
    }
}

// Partial vectors have functions of their own, so that the compiler does not merge them with whole ones into calls of
// memcpy.

#[cold]
#[inline(never)]
fn load_part<const L: usize>(from: &[f32]) -> [f32; L] {
    let mut vector = [0.0; L];
    vector[..from.len()].copy_from_slice(from);
    vector
}

#[cold]
#[inline(never)]
fn store_part(to: &mut [f32], from: &[f32]) {
    to.copy_from_slice(from);
}
