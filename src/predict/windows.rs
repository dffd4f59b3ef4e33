//! A window that slides over a long recording.

use std::ops::Range;

/// The frames of each window of `window` frames, the next one `stride` later; the last one ends with the recording. A
/// recording that is no longer than a window is one window; sizes of 0 count as 1.
pub(super) fn windows(frames: usize, window: usize, stride: usize) -> Vec<Range<usize>> {
    let last = frames.saturating_sub(window.max(1));
    let mut starts: Vec<usize> = (0..last).step_by(stride.max(1)).collect();
    starts.push(last);
    let range = |start: usize| start..(start + window.max(1)).min(frames);
    starts.into_iter().map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_in_a_window() {
        assert_eq!(windows(10, 4, 3), [0..4, 3..7, 6..10]);
        assert_eq!(windows(11, 4, 3), [0..4, 3..7, 6..10, 7..11]);
        assert_eq!(windows(4, 4, 1), std::slice::from_ref(&(0..4)));
        assert_eq!(windows(3, 4, 1), std::slice::from_ref(&(0..3)));
        assert_eq!(windows(3, 0, 0), [0..1, 1..2, 2..3]);
    }
}
