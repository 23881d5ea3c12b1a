//! Arithmetic whose right result is known to the compiler: a changed rounding mode, a lost register or a number flushed to
//! zero makes another one.
#![no_std]

/// Terms that are added up.
pub const TERMS: u32 = 600;

/// Less than the least normal number, so that it is lost where such numbers are taken for zero.
const SMALL: f64 = f64::MIN_POSITIVE / 1024.0;

/// The sum of 1/k² and of as many tiny numbers, for k from 1 to `TERMS`, as bits.
pub const EXPECTED: [u64; 2] = {
    let (mut sum, mut small, mut k) = (0.0, 0.0, 1);
    while k <= TERMS {
        sum += 1.0 / (k as f64 * k as f64);
        small += SMALL / k as f64;
        k += 1;
    }
    [f64::to_bits(sum), f64::to_bits(small)]
};

/// As `EXPECTED`, computed now, one number after the other.
pub fn scalar() -> [u64; 2] {
    let (mut sum, mut small) = (0.0, 0.0);
    for k in 1..=TERMS {
        let k = core::hint::black_box(f64::from(k));
        sum += 1.0 / (k * k);
        small += SMALL / k;
    }
    [sum.to_bits(), small.to_bits()]
}

/// As `EXPECTED`, computed now in the two lanes of a vector register.
#[cfg(target_arch = "wasm32")]
#[target_feature(enable = "simd128")]
pub fn vector() -> [u64; 2] {
    use core::arch::wasm32::{f64x2, f64x2_add, f64x2_div, f64x2_mul, f64x2_splat, u64x2_extract_lane};

    let (ones, least) = (f64x2(1.0, SMALL), f64x2(0.0, 1.0));
    let mut sums = f64x2_splat(0.0);
    for k in 1..=TERMS {
        let k = f64x2_splat(core::hint::black_box(f64::from(k)));
        let divisor = f64x2_mul(k, f64x2_add(f64x2_mul(k, f64x2(1.0, 0.0)), least)); // k², and k
        sums = f64x2_add(sums, f64x2_div(ones, divisor));
    }
    [u64x2_extract_lane::<0>(sums), u64x2_extract_lane::<1>(sums)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_and_this_machine_agree() {
        assert_eq!(scalar(), EXPECTED);
    }

    #[test]
    fn tiny_numbers_count() {
        assert!(f64::from_bits(EXPECTED[1]) > 0.0 && f64::from_bits(EXPECTED[1]) < f64::MIN_POSITIVE);
    }
}
