//! Sites: what a capture says of the places that record, as text that only the runtime takes apart.
//!
//! The compiler sees one string for all sites of a block, whatever there is to say of them: see `Site` in the runtime, which
//! reads it when a site first records.

use crate::ownership::Escape;
use proc_macro2::Span;

/// Which kind of place a site is, as the runtime spells it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Variable,
    Argument,
    Type,
    Function,
    AsyncFunction,
    Return,
    Static,
    ThreadLocal,
    Constructor,
}

/// The sites of a block.
#[derive(Debug, Default)]
pub(super) struct Sites {
    pub(super) count: usize,
    /// Of each site a line, with tabs between its fields.
    pub(super) text: String,
}

impl Sites {
    /// Adds the site of a place.
    pub(super) fn add(
        &mut self,
        kind: Kind,
        name: &str,
        at: Span,
        escape: Option<Escape>,
        one_in: u32,
        tags: &[String],
    ) {
        // Of a static there is one value, and few of a thread-local.
        let is_held = matches!(kind, Kind::Static | Kind::ThreadLocal);
        let one_in = if is_held { 1 } else { one_in };
        let escape = escape.map(|escape| format!("{escape:?}")).unwrap_or_default();
        let tags = tags.iter().map(|tag| plain(tag)).collect::<Vec<_>>().join("\u{1f}");
        let name = plain(name);
        // Not `file!`, which is where the outermost macro was called: the variable may stand in another's definition.
        let (file, start) = (plain(&at.file()), at.start());
        // proc_macro2 counts columns from 0, `column!` and captures from 1.
        let (line, column) = (start.line, start.column + 1);
        self.count += 1;
        self.text +=
            &format!("\n{kind:?}\t{escape}\t{one_in}\t{file}\t{line}\t{column}\t{tags}\t{name}");
    }
}

/// Text without characters that separate sites, fields or tags.
fn plain(text: &str) -> String {
    let is_separator = |character| matches!(character, '\n' | '\t' | '\u{1f}');
    let plain = |character: char| match character {
        _ if is_separator(character) => character.escape_default().to_string(),
        other => other.to_string(),
    };
    text.chars().map(plain).collect()
}
