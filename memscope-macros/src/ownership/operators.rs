//! What operators do with their operands.

use syn::BinOp;

/// What becomes of the two sides of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operands {
    /// Both are taken.
    Taken,
    /// Both are borrowed, to be compared.
    Compared,
    /// The second one is evaluated or not.
    Lazy,
    /// The first one is changed, by the second, which is taken.
    Changed,
}

impl Operands {
    pub(super) fn of(operator: BinOp) -> Self {
        match operator {
            BinOp::Add(_)
            | BinOp::Sub(_)
            | BinOp::Mul(_)
            | BinOp::Div(_)
            | BinOp::Rem(_)
            | BinOp::BitXor(_)
            | BinOp::BitAnd(_)
            | BinOp::BitOr(_)
            | BinOp::Shl(_)
            | BinOp::Shr(_) => Self::Taken,
            BinOp::Eq(_)
            | BinOp::Ne(_)
            | BinOp::Lt(_)
            | BinOp::Le(_)
            | BinOp::Gt(_)
            | BinOp::Ge(_) => Self::Compared,
            BinOp::And(_) | BinOp::Or(_) => Self::Lazy,
            _ => Self::Changed,
        }
    }
}
