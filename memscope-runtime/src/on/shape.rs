//! What is known of a type at compile time.

use super::inspect::Trackable;
use super::marker::Marker;
use memscope_format::defs::{ContainerDef, FieldDef};

/// What memscope can see of a type's values.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Nothing but its size.
    Opaque,
    /// A container that states can be read of.
    Container(ContainerDef),
    /// A [`crate::Probe`].
    Probe,
    /// An annotated struct, enum or union.
    Fields {
        /// Its fields in source order.
        fields: &'static [Field],
        /// Whether its drops are seen.
        drop_hook: bool,
    },
}

impl Shape {
    /// What kind of container it is, if it is one.
    pub(super) const fn container(self) -> Option<ContainerDef> {
        match self {
            Self::Container(container) => Some(container),
            _ => None,
        }
    }

    /// The fields, of an annotated type.
    pub(super) const fn fields(self) -> Option<&'static [Field]> {
        match self {
            Self::Fields { fields, .. } => Some(fields),
            _ => None,
        }
    }

    /// Whether every drop of such a value runs a drop hook.
    pub(super) const fn has_drop_hook(self) -> bool {
        matches!(self, Self::Fields { drop_hook: true, .. })
    }

    /// Whether values may tell of their births themselves.
    pub(super) const fn has_probe(self) -> bool {
        let Some(fields) = self.fields() else { return false };
        let mut i = 0;
        while i < fields.len() {
            if fields[i].is_probe {
                return true;
            }
            i += 1;
        }
        false
    }

    /// Whether a value has containers in its fields, of which a drop takes snapshots.
    pub(super) const fn holds_containers(self) -> bool {
        let Some(fields) = self.fields() else { return false };
        let mut i = 0;
        while i < fields.len() {
            if fields[i].container.is_some() {
                return true;
            }
            i += 1;
        }
        false
    }
}

/// A field of an annotated type, as the compiler laid it out.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    name: &'static str,
    /// In an enum.
    variant: Option<&'static str>,
    type_name: fn() -> &'static str,
    offset: Option<usize>,
    size: usize,
    align: usize,
    container: Option<ContainerDef>,
    is_probe: bool,
    marker: Option<&'static Marker>,
}

impl Field {
    /// Describes a field of the type `T`.
    #[must_use]
    pub const fn new<T>(name: &'static str, offset: usize, shape: Shape) -> Self {
        Self::of::<T>(None, name, Some(offset), shape)
    }

    /// Describes a field of the type `T` in an enum's variant.
    #[must_use]
    pub const fn of_variant<T>(variant: &'static str, name: &'static str, shape: Shape) -> Self {
        Self::of::<T>(Some(variant), name, None, shape)
    }

    const fn of<T>(
        variant: Option<&'static str>,
        name: &'static str,
        offset: Option<usize>,
        shape: Shape,
    ) -> Self {
        Self {
            name,
            variant,
            type_name: core::any::type_name::<T>,
            offset,
            size: size_of::<T>(),
            align: align_of::<T>(),
            container: shape.container(),
            is_probe: matches!(shape, Shape::Probe),
            marker: None,
        }
    }

    /// Says what the field makes of its type, if it is the marker that its name says.
    #[must_use]
    pub const fn marking(self, marker: &'static Marker) -> Self {
        Self { marker: Some(marker), ..self }
    }

    /// The definition that the capture carries.
    pub(super) fn def(&self) -> FieldDef {
        let mut def = FieldDef {
            name: self.name.to_owned(),
            type_name: (self.type_name)().to_owned(),
            variant: self.variant.map(str::to_owned),
            offset: self.offset.map(saturate),
            size: saturate(self.size),
            align: saturate(self.align),
            container: self.container,
            marker: None,
        };
        def.marker = self.marker.filter(|_| def.is_marker()).map(Marker::def);
        def
    }
}

/// A type, as a hook hands it to the registry: one constant for each type, promoted to a static.
#[derive(Debug)]
pub struct TypeDesc {
    pub(super) name: fn() -> &'static str,
    pub(super) size: usize,
    pub(super) align: usize,
    pub(super) needs_drop: bool,
    pub(super) has_niche: bool,
    pub(super) shape: Shape,
}

impl TypeDesc {
    /// Describes `T`.
    pub(super) const fn of<T>(shape: Shape) -> Self {
        Self {
            name: core::any::type_name::<T>,
            size: size_of::<T>(),
            align: align_of::<T>(),
            needs_drop: core::mem::needs_drop::<T>(),
            has_niche: size_of::<Option<T>>() == size_of::<T>(),
            shape,
        }
    }
}

/// Stands for the type of a function's site, which has none.
pub(super) static NO_TYPE: TypeDesc = TypeDesc::of::<()>(Shape::Opaque);

/// The description of a type that says what it is.
///
/// The same type may have several, at different addresses: each unit of code that the compiler makes has its own.
pub(super) struct DescOf<T>(core::marker::PhantomData<T>);

impl<T: Trackable> DescOf<T> {
    pub(super) const DESC: &'static TypeDesc = &TypeDesc::of::<T>(T::SHAPE);
}

/// Sizes in definitions are 32 bits; larger values than 4 GiB have no place on a stack.
pub(super) fn saturate(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
