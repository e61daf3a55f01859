//! Definitions, metadata and commits as bytes: bincode 2, standard configuration, one record after another.
//!
//! bincode allocates what a forged length says, up to its limit; so it only ever gets slices whose checksum was
//! right, and a limit.

use crate::error::Error;
use crate::limits;
use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use serde::Serialize;
use serde::de::DeserializeOwned;

const CONFIG: Configuration<LittleEndian, Varint, Limit<{ limits::RECORD_LEN }>> =
    bincode::config::standard().with_limit();

/// Appends a record.
///
/// # Errors
///
/// [`Error::Limit`] if it counts for more than a reader accepts; then nothing was appended. `offset` is where it would
/// have gone.
pub(crate) fn append<T: Serialize>(
    out: &mut Vec<u8>,
    record: &T,
    offset: u64,
) -> Result<(), Error> {
    let start = out.len();
    // Without the limit, so that the error can say how long the record is.
    let config = bincode::config::standard();
    let len = match bincode::serde::encode_into_std_write(record, out, config) {
        Ok(len) => len,
        Err(error) => {
            out.truncate(start);
            return Err(Error::corrupt(offset, "a record that can be encoded", error.to_string()));
        }
    };
    // No integer counts for more than eight times what is written of it.
    let counted = if len > limits::RECORD_LEN / 8 { counted_len(record) } else { len };
    if counted > limits::RECORD_LEN {
        out.truncate(start);
        return Err(Error::Limit {
            offset,
            what: "record length",
            limit: limits::RECORD_LEN as u64,
            found: counted as u64,
        });
    }
    Ok(())
}

/// What a reader counts a record for: its length, if every integer were written as long as its type is. That is how bincode
/// counts what it decodes. A record that cannot be encoded counts for more than any.
pub(crate) fn counted_len<T: Serialize>(record: &T) -> usize {
    let config = bincode::config::standard().with_fixed_int_encoding();
    bincode::serde::encode_into_std_write(record, &mut std::io::sink(), config)
        .unwrap_or(usize::MAX)
}

/// Decodes exactly `count` records from `bytes`, which begin at `offset` of the file.
///
/// # Errors
///
/// If the bytes are not that.
pub(crate) fn decode<T: DeserializeOwned>(
    mut bytes: &[u8],
    count: u32,
    offset: u64,
) -> Result<Vec<T>, Error> {
    // A record is a byte at least.
    let mut records = Vec::with_capacity((count as usize).min(bytes.len()).min(1 << 12));
    for number in 0..count {
        match bincode::serde::decode_from_slice(bytes, CONFIG) {
            Ok((record, used)) if used > 0 => {
                records.push(record);
                bytes = &bytes[used..];
            }
            Ok(_) => return Err(Error::corrupt(offset, "records with content", "an empty one")),
            Err(error) => {
                return Err(Error::corrupt(
                    offset,
                    format!("{count} records"),
                    format!("in number {number}: {error}"),
                ));
            }
        }
    }
    if !bytes.is_empty() {
        return Err(Error::corrupt(
            offset,
            format!("{count} records"),
            format!("{} bytes after them", bytes.len()),
        ));
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defs::{Definition, FieldDef, TypeDef};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn records_come_back(records: Vec<(u64, Option<String>)>) {
            let mut bytes = Vec::new();
            for record in &records {
                append(&mut bytes, record, 0).unwrap();
            }
            let back: Vec<(u64, Option<String>)> = decode(&bytes, records.len() as u32, 0).unwrap();
            prop_assert_eq!(back, records);
        }

        #[test]
        fn any_bytes_decode_or_are_refused(bytes: Vec<u8>, count in 0_u32..9) {
            let _ = decode::<TypeDef>(&bytes, count, 0);
            let _ = decode::<crate::Commit>(&bytes, count, 0);
            let _ = decode::<crate::Metadata>(&bytes, count, 0);
        }
    }

    /// A type of fields whose numbers are written in a byte each.
    fn type_of_fields(fields: usize, name: &str) -> TypeDef {
        let field = FieldDef {
            name: "f".to_owned(),
            type_name: "u8".to_owned(),
            variant: None,
            offset: Some(1),
            size: 1,
            align: 1,
            container: None,
            marker: None,
        };
        TypeDef {
            id: 1,
            name: name.to_owned(),
            size: 1,
            align: 1,
            needs_drop: false,
            has_niche: false,
            container: None,
            fields: Some(vec![field; fields]),
        }
    }

    #[test]
    fn a_type_of_many_fields_is_written_exactly_if_it_can_be_read() {
        let room = limits::RECORD_LEN - counted_len(&type_of_fields(20_000, ""));
        for (name_len, fits) in [(room, true), (room + 1, false)] {
            let def = type_of_fields(20_000, &"x".repeat(name_len));
            let mut anyway = Vec::new();
            let config = bincode::config::standard();
            bincode::serde::encode_into_std_write(&def, &mut anyway, config).unwrap();
            assert!(anyway.len() < limits::RECORD_LEN, "{}", anyway.len());
            let mut bytes = Vec::new();
            let appended = append(&mut bytes, &def, 0);
            assert_eq!((appended.is_ok(), def.fits()), (fits, fits));
            assert_eq!(decode::<TypeDef>(&anyway, 1, 0).is_ok_and(|back| back == [def]), fits);
            match appended {
                Ok(()) => assert!(bytes == anyway),
                Err(error) => {
                    let Error::Limit { found, .. } = error else { panic!("{error}") };
                    assert_eq!((found, bytes.len()), (limits::RECORD_LEN as u64 + 1, 0));
                }
            }
        }
    }

    #[test]
    fn a_record_beyond_the_limit_is_neither_written_nor_read() {
        let long = "x".repeat(limits::RECORD_LEN);
        let mut bytes = vec![1];
        assert!(matches!(append(&mut bytes, &long, 7), Err(Error::Limit { offset: 7, .. })));
        assert_eq!(bytes, [1]);
        // A length of 2^62 and nothing after it.
        let forged = [0xFD, 0, 0, 0, 0, 0, 0, 0, 0x40];
        assert!(decode::<String>(&forged, 1, 0).is_err());
    }
}
