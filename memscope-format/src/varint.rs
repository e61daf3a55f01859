//! Variable-length integers: LEB128, little end first, 7 bits a byte, at most 10 bytes.

/// The most bytes a `u64` takes.
pub const MAX_LEN: usize = 10;

/// Appends `value`.
#[inline]
pub fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes `count` values off the front of `bytes` and appends them to `out`; `None` as [`take`].
pub(crate) fn take_all(bytes: &mut &[u8], count: usize, out: &mut Vec<u64>) -> Option<()> {
    let end = out.len() + count;
    while out.len() + 8 <= end {
        let Some(eight) = bytes.first_chunk() else { break };
        let eight = u64::from_le_bytes(*eight);
        if eight & 0x8080_8080_8080_8080 == 0 {
            out.extend(eight.to_le_bytes().map(u64::from));
            *bytes = &bytes[8..];
            continue;
        }
        // The first value of the eight bytes, by the position of its last byte.
        let len = ((!eight & 0x8080_8080_8080_8080).trailing_zeros() / 8 + 1) as usize;
        if len > 8 {
            out.push(take(bytes)?);
            continue;
        }
        let value = eight & (u64::MAX >> (64 - 8 * len)) & 0x7F7F_7F7F_7F7F_7F7F;
        let value = (value & 0x007F_007F_007F_007F) | (value & 0x7F00_7F00_7F00_7F00) >> 1;
        let value = (value & 0x0000_3FFF_0000_3FFF) | (value & 0x3FFF_0000_3FFF_0000) >> 2;
        let value = (value & 0x0FFF_FFFF) | (value & 0x0FFF_FFFF_0000_0000) >> 4;
        out.push(value);
        *bytes = &bytes[len..];
    }
    while out.len() < end {
        out.push(take(bytes)?);
    }
    Some(())
}

/// Takes a value off the front of `bytes`; `None` if they end early or the value exceeds 64 bits.
#[inline]
pub fn take(bytes: &mut &[u8]) -> Option<u64> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        *bytes = rest;
        return Some(u64::from(first));
    }
    let mut value = u64::from(first & 0x7F);
    for (index, &byte) in rest.iter().take(MAX_LEN - 1).enumerate() {
        let shift = 7 * (index + 1);
        if shift == 63 && byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            *bytes = &rest[index + 1..];
            return Some(value);
        }
    }
    None
}

/// Maps a difference to a small number whatever its sign: 0, -1, 1, -2, ... to 0, 1, 2, 3, ...
#[must_use]
#[inline]
pub const fn zigzag(difference: u64) -> u64 {
    (difference << 1) ^ (difference >> 63).wrapping_neg()
}

/// Undoes [`zigzag`].
#[must_use]
#[inline]
pub const fn unzigzag(value: u64) -> u64 {
    (value >> 1) ^ (value & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_value_comes_back(value: u64, bits in 0_u32..64) {
            let value = value >> bits;
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(take(&mut rest), Some(value));
            prop_assert!(rest.is_empty());
            prop_assert_eq!(unzigzag(zigzag(value)), value);
        }

        #[test]
        fn many_values_are_read_as_each_alone(
            values in prop::collection::vec((any::<u64>(), 0_u32..64), 0..400),
            most in 0_u32..64,
            cut in any::<prop::sample::Index>(),
        ) {
            let values: Vec<u64> =
                values.into_iter().map(|(value, shift)| value >> shift.max(most)).collect();
            let mut one_by_one = Vec::new();
            for &value in &values {
                put(&mut one_by_one, value);
            }
            let mut back = Vec::new();
            let mut rest = one_by_one.as_slice();
            prop_assert_eq!(take_all(&mut rest, values.len(), &mut back), Some(()));
            prop_assert!(rest.is_empty());
            prop_assert_eq!(&back, &values);
            if !one_by_one.is_empty() {
                let mut rest = &one_by_one[..cut.index(one_by_one.len())];
                prop_assert_eq!(take_all(&mut rest, values.len(), &mut Vec::new()), None);
            }
        }

        #[test]
        fn any_bytes_are_read_alike(bytes: Vec<u8>, count in 0_usize..300) {
            let (mut one_by_one, mut at_once) = (bytes.as_slice(), bytes.as_slice());
            let expected: Option<Vec<u64>> = (0..count).map(|_| take(&mut one_by_one)).collect();
            let mut found = Vec::new();
            let all = take_all(&mut at_once, count, &mut found);
            prop_assert_eq!(all.map(|()| found), expected);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut rest = bytes.as_slice();
            while take(&mut rest).is_some() {}
        }
    }

    #[test]
    fn a_value_beyond_64_bits_is_refused() {
        assert_eq!(
            take(&mut [0xFF; 9].iter().copied().chain([1]).collect::<Vec<_>>().as_slice()),
            Some(u64::MAX)
        );
        assert_eq!(
            take(&mut [0xFF; 9].iter().copied().chain([2]).collect::<Vec<_>>().as_slice()),
            None
        );
        assert_eq!(take(&mut [0x80; 11].as_slice()), None);
        assert_eq!(take(&mut [0x80; 3].as_slice()), None);
    }

    #[test]
    fn differences_of_either_sign_are_small() {
        assert_eq!([0, u64::MAX, 1, u64::MAX - 1].map(zigzag), [0, 1, 2, 3]);
    }
}
