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

/// Appends many values: as [`put`] for each, but through a window that is known to be large enough.
#[inline]
pub(crate) fn put_all(out: &mut Vec<u8>, values: impl Iterator<Item = u64>) {
    const WINDOW: usize = 256;
    let mut window = [0_u8; WINDOW];
    let mut used = 0;
    for mut value in values {
        if used > WINDOW - MAX_LEN {
            out.extend_from_slice(&window[..used]);
            used = 0;
        }
        while value >= 0x80 {
            window[used] = value as u8 | 0x80;
            used += 1;
            value >>= 7;
        }
        window[used] = value as u8;
        used += 1;
    }
    out.extend_from_slice(&window[..used]);
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
    (difference << 1) ^ ((difference as i64 >> 63) as u64)
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
