//! Reads what callgrind counted, of a program whose names and lines it did not compress.

use std::collections::HashMap;

/// What was counted of a program, by its functions' names.
#[derive(Debug, Default)]
pub(crate) struct Profile(HashMap<String, Function>);

/// What was counted of a function.
#[derive(Debug, Default)]
struct Function {
    /// Instructions, with those of what it called.
    instructions: u64,
    /// How often it called what.
    calls: HashMap<String, u64>,
}

impl Profile {
    /// Reads a file of callgrind's (its manual, "Callgrind Format Specification"): `fn=` begins what is of a function, in which each
    /// line ends in a count; one behind `calls=` is of what was called there, which `cfn=` names.
    pub(crate) fn read(text: &str) -> Self {
        let mut functions = HashMap::<String, Function>::new();
        let (mut function, mut callee) = (None, String::new());
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("fn=") {
                function = Some(functions.entry(name.to_owned()).or_default());
            } else if let Some(name) = line.strip_prefix("cfn=") {
                name.clone_into(&mut callee);
            } else if let Some(function) = &mut function {
                if let Some(count) = line.strip_prefix("calls=").and_then(first) {
                    *function.calls.entry(callee.clone()).or_default() += count;
                } else if line.starts_with(|first: char| first.is_ascii_digit()) {
                    let count = line.rsplit(' ').next().and_then(first);
                    function.instructions += count.unwrap_or(0);
                }
            }
        }
        Self(functions)
    }

    /// Instructions of a function, with those of what it called; none if it was not there.
    pub(crate) fn instructions(&self, function: &str) -> u64 {
        self.0.get(function).map_or(0, |function| function.instructions)
    }

    /// How often one function called another.
    pub(crate) fn runs(&self, caller: &str, function: &str) -> u64 {
        self.calls(caller).find(|(name, _)| *name == function).map_or(0, |(_, count)| count)
    }

    /// How often a function called what.
    pub(crate) fn calls(&self, function: &str) -> impl Iterator<Item = (&str, u64)> {
        let calls = self.0.get(function).into_iter().flat_map(|function| &function.calls);
        calls.map(|(name, count)| (name.as_str(), *count))
    }
}

fn first(text: &str) -> Option<u64> {
    text.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_a_function_and_of_what_it_called() {
        let text = "\
# callgrind format
events: Ir
fl=a.rs
fn=outer
10 5
cfi=b.rs
cfn=inner
calls=2 20
11 8
fi=c.rs
12 1

fn=inner
20 8
totals: 14
";
        let profile = Profile::read(text);
        assert_eq!((profile.instructions("outer"), profile.instructions("inner")), (14, 8));
        assert_eq!(profile.calls("outer").collect::<Vec<_>>(), [("inner", 2)]);
        assert_eq!(profile.calls("inner").count(), 0);
        assert_eq!((profile.runs("outer", "inner"), profile.runs("inner", "outer")), (2, 0));
    }
}
