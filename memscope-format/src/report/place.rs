//! Which place in source a figure is about.

use crate::defs::{Escape, SiteDef, SiteKind};
use serde::Serialize;
use std::fmt;

/// A place in source: what makes sites of several captures the same site.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Place {
    /// What the user would call it: `load::raw` for a variable of a function, `Session` for a type.
    pub name: String,
    /// What kind of place it is; `None` if its definition is lost.
    pub kind: Option<SiteKind>,
    /// The module that holds it.
    pub module: String,
    /// Source file.
    pub file: String,
    /// Line in the file, from 1.
    pub line: u32,
    /// Column in the line, from 1.
    pub column: u32,
    /// What the user tagged it with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Of a variable or argument, what becomes of its value; `None` where the source does not prove it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escape: Option<Escape>,
}

impl Place {
    /// Makes the place of a site.
    pub(crate) fn of(site: &SiteDef) -> Self {
        Self {
            name: site.name.clone(),
            kind: Some(site.kind),
            module: site.module.clone(),
            file: site.file.clone(),
            line: site.line,
            column: site.column,
            tags: site.tags.clone(),
            escape: site.escape,
        }
    }

    /// Makes the place of a site whose definition is lost.
    pub(crate) fn lost(id: u32) -> Self {
        Self {
            name: format!("site {id} (definition lost)"),
            kind: None,
            module: String::new(),
            file: String::new(),
            line: 0,
            column: 0,
            tags: Vec::new(),
            escape: None,
        }
    }

    /// Whether it is an annotated type, whose values record their own birth and drop.
    #[must_use]
    pub fn is_type(&self) -> bool {
        self.kind == Some(SiteKind::Type)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(_) => write!(f, "{} ({}:{})", self.name, self.file, self.line),
            None => f.write_str(&self.name),
        }
    }
}
