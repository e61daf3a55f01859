//! What takes no space: zero-sized types, and zero-sized fields of annotated types.

use super::LifeFigures;
use crate::defs::{FieldDef, MarkerDef};
use serde::Serialize;

/// A zero-sized type, or an annotated type with zero-sized fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ZeroSizedFigures {
    /// The type's name.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its alignment in bytes.
    pub align: u32,
    /// Its zero-sized fields, in source order.
    pub fields: Vec<ZeroSizedField>,
    /// For an annotated zero-sized type, the lives of its values.
    pub values: Option<LifeFigures>,
    /// For a zero-sized type, the lives of variables of it.
    pub variables: Option<LifeFigures>,
}

/// A field that takes no space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ZeroSizedField {
    /// Its name, or its number in a tuple struct.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its alignment, which may still cost the type that holds it padding.
    pub align: u32,
    /// Whether it is a `PhantomData`.
    pub marker: bool,
    /// What a `PhantomData` makes of the type that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub makes: Option<MarkerDef>,
}

impl ZeroSizedField {
    pub(crate) fn of(field: &FieldDef) -> Self {
        Self {
            name: field.name.clone(),
            type_name: field.type_name.clone(),
            align: field.align,
            marker: field.is_marker(),
            makes: field.marker.clone(),
        }
    }
}
