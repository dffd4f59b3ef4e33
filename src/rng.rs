//! Counter-based random numbers: each number depends only on its key and position, so results are the same on every
//! machine, for any number of threads and any order of use.
//!
//! Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

/// One block of Philox4x32-10: four words from a counter and a key.
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], [mut k0, mut k1]) = (counter, key);
    for round in 0..10 {
        if round > 0 {
            k0 = k0.wrapping_add(0x9E37_79B9);
            k1 = k1.wrapping_add(0xBB67_AE85);
        }
        let x = u64::from(a) * 0xD251_1F53;
        let y = u64::from(c) * 0xCD9E_8D57;
        (a, b, c, d) = (
            (y >> 32) as u32 ^ b ^ k0,
            y as u32,
            (x >> 32) as u32 ^ d ^ k1,
            x as u32,
        );
    }
    [a, b, c, d]
}

/// A random stream, identified by a seed and a path such as (purpose, epoch, clip).
#[derive(Debug, Clone)]
pub struct Rng {
    key: [u32; 2],
    block: u64,
    words: [u32; 4],
    used: usize,
}

impl Rng {
    /// The stream of `seed` for `path`, for example (purpose, epoch, clip).
    ///
    /// Each word of the path passes through one Philox block whose output is the key of the next, so paths of any length
    /// give independent streams.
    pub fn new(seed: u64, path: &[u64]) -> Self {
        let mut key = [seed as u32, (seed >> 32) as u32];
        for (depth, &word) in path.iter().enumerate() {
            // The last counter word is 1 here and 0 in `next_u32`, so no block is used twice.
            let out = philox([word as u32, (word >> 32) as u32, depth as u32, 1], key);
            key = [out[0], out[1]];
        }
        Rng {
            key,
            block: 0,
            words: [0; 4],
            used: 4,
        }
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.words = philox(
                [self.block as u32, (self.block >> 32) as u32, 0, 0],
                self.key,
            );
            self.block = self.block.wrapping_add(1);
            self.used = 0;
        }
        let word = self.words[self.used];
        self.used += 1;
        word
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) | u64::from(self.next_u32()) << 32
    }

    /// Uniform in [0, 1), a multiple of 2⁻²⁴.
    pub fn unit(&mut self) -> f32 {
        (self.next_u32() >> 8) as f32 * (1.0 / (1u32 << 24) as f32)
    }

    /// Uniform in [0, 1), a multiple of 2⁻⁵³.
    pub fn unit_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform between `low` and `high`.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform in 0..n; 0 where n is 0. Its bias is below n / 2⁶⁴ (Lemire, "Fast random integer generation in
    /// an interval", 2019, without the rejection step).
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next_u64()) * n as u128) >> 64) as usize
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// Standard normal (Box and Muller, 1958).
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - self.unit_f64()).ln()).sqrt();
        (radius * (std::f64::consts::TAU * self.unit_f64()).cos()) as f32
    }

    /// Two standard normal numbers, computed in f32 and therefore faster than [`Rng::normal`]. Their magnitude is at most
    /// √(48 ln 2) ≈ 5.77.
    pub fn normals(&mut self) -> [f32; 2] {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let (sin, cos) = (std::f32::consts::TAU * self.unit()).sin_cos();
        [radius * cos, radius * sin]
    }

    /// `count` values, uniform in ±`bound`.
    pub fn uniform(&mut self, count: usize, bound: f32) -> Vec<f32> {
        (0..count).map(|_| self.range(-bound, bound)).collect()
    }

    /// Shuffles a slice; every order is equally likely (Fisher and Yates, in Durstenfeld's form, 1964).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known-answer vectors published with Random123 for philox4x32-10.
    #[test]
    fn known_answers() {
        assert_eq!(
            philox([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        let ones = u32::MAX;
        assert_eq!(
            philox([ones; 4], [ones; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn moments_and_streams() {
        let mut rng = Rng::new(7, &[1, 2]);
        let n = 100_000;
        let (mut sum, mut square, mut flat) = (0.0f64, 0.0f64, 0.0f64);
        for _ in 0..n {
            let x = f64::from(rng.normal());
            sum += x;
            square += x * x;
            flat += f64::from(rng.unit());
        }
        let n = f64::from(n);
        assert!(
            (sum / n).abs() < 0.02
                && (square / n - 1.0).abs() < 0.03
                && (flat / n - 0.5).abs() < 0.01
        );
        assert_ne!(
            Rng::new(7, &[1, 2]).next_u64(),
            Rng::new(7, &[2, 1]).next_u64()
        );
        assert_ne!(
            Rng::new(7, &[1]).next_u64(),
            Rng::new(7, &[1, 0]).next_u64()
        );
    }

    #[test]
    fn shuffle_is_a_permutation() {
        let mut items: Vec<usize> = (0..100).collect();
        Rng::new(3, &[]).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
