//! The figures of a site, of a type and of a thread.

use super::drops::DropFigures;
use super::figure::Figure;
use super::lives::LifeFigures;
use super::place::Place;
use crate::defs::ContainerKind;
use serde::Serialize;

/// What is known of the values of a site. A site of which nothing was recorded is listed, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SiteFigures {
    /// Which site.
    #[serde(flatten)]
    pub site: Place,
    /// The types that its values had; more than one in generic code.
    pub types: Vec<String>,
    /// The lives of its values.
    #[serde(flatten)]
    pub lives: LifeFigures,
    /// What their drops cost.
    pub drops: DropFigures,
}

impl SiteFigures {
    /// Whether anything was recorded of it. If not, the program need not have passed it by: variables without drop
    /// glue record nothing.
    #[must_use]
    pub fn was_reached(&self) -> bool {
        !self.types.is_empty()
    }
}

/// What is known of the values of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeFigures {
    /// Its name, as [`core::any::type_name`] says.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// Alignment in bytes.
    pub align: Option<u32>,
    /// Whether dropping a value runs code.
    pub needs_drop: Option<bool>,
    /// What it is, when it is a container.
    pub container: Option<ContainerKind>,
    /// For an annotated type, the lives of its values, wherever they were held.
    pub values: Option<LifeFigures>,
    /// The lives of variables and arguments of the type. A value that is moved from one variable to another has a
    /// life in each.
    pub variables: LifeFigures,
    /// What drops of its values cost. That of a variable and that of the value in it, one within the other, count
    /// once in the total.
    pub drops: DropFigures,
}

impl TypeFigures {
    /// Returns the figures that say most of its values: their own, or else those of the variables that held them.
    #[must_use]
    pub fn lives(&self) -> &LifeFigures {
        self.values.as_ref().unwrap_or(&self.variables)
    }

    /// Returns how many values were seen, at their birth or at their drop.
    #[must_use]
    pub fn seen(&self) -> u64 {
        let seen = |lives: &LifeFigures| {
            lives.born.value().max(lives.dropped.value()).copied().unwrap_or(0)
        };
        seen(self.lives())
    }
}

/// What is known of the threads of one name. Under libtest that is the name of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThreadFigures {
    /// Their name, if they had one.
    pub name: Option<String>,
    /// How many threads.
    pub threads: u64,
    /// Events recorded on them.
    pub events: Figure<u64>,
    /// Values born on them.
    pub born: Figure<u64>,
    /// Those of them that had not ended when the recording did.
    pub alive_at_exit: Figure<u64>,
    /// The most of them that were alive at once on one thread.
    pub peak_alive: Figure<u64>,
    /// Drops that ran on them: between those that are proved and these with all ends that may have been moves.
    pub drops: Figure<u64>,
    /// Time of those drops in nanoseconds.
    pub drop_ns: Figure<u64>,
}
