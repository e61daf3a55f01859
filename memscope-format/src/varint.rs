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

/// Appends many values, each as [`put`] does.
///
/// Lengths of neighbours vary without pattern in the columns that matter, so that a branch on each byte would be
/// mispredicted all the time: the bytes of a value are spread by shifts and masks, and its length is computed.
pub(crate) fn put_all(out: &mut Vec<u8>, values: &[u64]) {
    /// Values whose bytes are gathered before they are appended.
    const GROUP: usize = 128;

    let union = values.iter().fold(0, |union, value| union | value);
    if union < 0x80 {
        out.extend(values.iter().map(|&value| value as u8));
        return;
    }
    let mut window = [0_u8; GROUP * MAX_LEN];
    for group in values.chunks(GROUP) {
        let mut used = 0;
        if union < 1 << 14 {
            for &value in group {
                let long = value >= 0x80;
                let bytes = (value & 0x7F) | (value & 0x3F80) << 1 | u64::from(long) << 7;
                window[used..used + 2].copy_from_slice(&(bytes as u16).to_le_bytes());
                used += 1 + usize::from(long);
            }
        } else {
            for &value in group {
                used += write(&mut window[used..used + MAX_LEN], value);
            }
        }
        out.extend_from_slice(&window[..used]);
    }
}

/// Writes a value at the start of [`MAX_LEN`] bytes, and returns how many it takes; spoils those behind it.
#[inline(always)]
fn write(bytes: &mut [u8], value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    let len = bits.div_ceil(7);
    // 56 bits become 8 bytes of 7: in two halves, four quarters, eight bytes.
    let low = value & 0x00FF_FFFF_FFFF_FFFF;
    let low = (low & 0x0FFF_FFFF) | (low & 0x00FF_FFFF_F000_0000) << 4;
    let low = (low & 0x0000_3FFF_0000_3FFF) | (low & 0x0FFF_C000_0FFF_C000) << 2;
    let low = (low & 0x007F_007F_007F_007F) | (low & 0x3F80_3F80_3F80_3F80) << 1;
    if len <= 8 {
        let more = !(u64::MAX << (8 * (len - 1)));
        bytes[..8].copy_from_slice(&(low | (0x8080_8080_8080_8080 & more)).to_le_bytes());
    } else {
        bytes[..8].copy_from_slice(&(low | 0x8080_8080_8080_8080).to_le_bytes());
        let high = value >> 56;
        bytes[8] = high as u8 | 0x80;
        bytes[9] = (high >> 7) as u8;
        if len == 9 {
            bytes[8] &= 0x7F;
        }
    }
    len
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
        fn many_values_are_written_and_read_as_each_alone(
            values in prop::collection::vec((any::<u64>(), 0_u32..64), 0..400),
            most in 0_u32..64,
            cut in any::<prop::sample::Index>(),
        ) {
            let values: Vec<u64> =
                values.into_iter().map(|(value, shift)| value >> shift.max(most)).collect();
            let (mut one_by_one, mut at_once) = (Vec::new(), vec![9]);
            for &value in &values {
                put(&mut one_by_one, value);
            }
            put_all(&mut at_once, &values);
            prop_assert_eq!(&at_once[1..], &one_by_one);
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
