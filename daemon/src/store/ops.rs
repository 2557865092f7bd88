//! What is to become of lines' records, each number once: three bits a line, whatever happens how often.

use lineswarm_proto::{bitmap::Bitmap, ids::LineNumber, paged::Paged};

/// What is to become of a line's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Keep { first_hand: bool },
    Forget,
}

/// The last operation of each number. Invariant: the other two hold only numbers of `all`.
#[derive(Debug, Default)]
pub(super) struct Ops {
    all: Bitmap,
    first_hand: Bitmap,
    forget: Bitmap,
}

impl Ops {
    /// In place of an earlier one. True if there was none.
    pub(super) fn insert(&mut self, number: LineNumber, op: Op) -> bool {
        let new = self.all.insert(number);
        if !new {
            self.first_hand.remove(number);
            self.forget.remove(number);
        }
        match op {
            Op::Keep { first_hand: true } => self.first_hand.insert(number),
            Op::Keep { first_hand: false } => true,
            Op::Forget => self.forget.insert(number),
        };
        new
    }

    /// Takes all of `later`, in place of earlier ones.
    pub(super) fn append(&mut self, later: &mut Self) {
        let later = core::mem::take(later);
        if self.is_empty() {
            *self = later;
            return;
        }
        self.first_hand.subtract(&later.all);
        self.forget.subtract(&later.all);
        self.all.unite(&later.all);
        self.first_hand.unite(&later.first_hand);
        self.forget.unite(&later.forget);
    }

    pub(super) fn len(&self) -> usize {
        self.all.count() as usize
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn contains(&self, number: LineNumber) -> bool {
        self.all.contains(number)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Of number `number`, if there is one.
    pub(super) fn is_first_hand(&self, number: LineNumber) -> bool {
        self.first_hand.contains(number)
    }

    /// The numbers that are kept, ascending.
    pub(super) fn kept(&self) -> impl Iterator<Item = LineNumber> {
        self.all.iter().filter(|number| !self.forget.contains(*number))
    }

    /// The numbers that are forgotten, ascending.
    pub(super) fn forgotten(&self) -> impl Iterator<Item = LineNumber> {
        self.forget.iter()
    }
}

/// What the journal holds of a line, so that a changed text is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) first_hand: bool,
    /// CRC-32 of the text.
    pub(super) sum: u32,
}

/// What the journal holds, by number.
#[derive(Debug, Default)]
pub(super) struct Table {
    held: Bitmap,
    first_hand: Bitmap,
    sums: Paged<u32>,
}

impl Table {
    pub(super) fn insert(&mut self, number: LineNumber, kept: Kept) {
        self.held.insert(number);
        if kept.first_hand {
            self.first_hand.insert(number);
        } else {
            self.first_hand.remove(number);
        }
        self.sums.put(number.0, kept.sum);
    }

    pub(super) fn get(&self, number: LineNumber) -> Option<Kept> {
        let first_hand = self.first_hand.contains(number);
        self.held.contains(number).then(|| Kept { first_hand, sum: self.sums.get(number.0) })
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The numbers, ascending.
    pub(super) fn numbers(&self) -> impl Iterator<Item = LineNumber> {
        self.held.iter()
    }

    /// Those whose record says that a peer sent them.
    pub(super) fn hearsay(&self) -> Vec<LineNumber> {
        self.held.iter().filter(|number| !self.first_hand.contains(*number)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![any::<bool>().prop_map(|first_hand| Op::Keep { first_hand }), Just(Op::Forget)]
    }

    proptest! {
        #[test]
        fn the_last_operation_of_a_number_counts(
            early in proptest::collection::vec((0u32..200, op()), 0..100),
            late in proptest::collection::vec((0u32..200, op()), 0..100),
        ) {
            let (mut ops, mut later, mut model) = (Ops::default(), Ops::default(), BTreeMap::new());
            for (number, op) in early {
                let new = model.insert(LineNumber(number), op).is_none();
                prop_assert_eq!(ops.insert(LineNumber(number), op), new);
            }
            for (number, op) in late {
                model.insert(LineNumber(number), op);
                later.insert(LineNumber(number), op);
            }
            ops.append(&mut later);
            prop_assert!(later.is_empty());
            prop_assert_eq!(ops.len(), model.len());
            let kept = ops.kept().map(|number| (number, Op::Keep { first_hand: ops.is_first_hand(number) }));
            let mut all: BTreeMap<_, _> = kept.collect();
            all.extend(ops.forgotten().map(|number| (number, Op::Forget)));
            prop_assert_eq!(all, model);
        }
    }

    #[test]
    fn a_line_that_was_heard_and_then_drawn_is_first_hand() {
        let mut table = Table::default();
        table.insert(LineNumber(70), Kept { first_hand: false, sum: 1 });
        assert_eq!(table.hearsay(), [LineNumber(70)]);
        table.insert(LineNumber(70), Kept { first_hand: true, sum: 1 });
        assert_eq!(
            (table.get(LineNumber(70)), table.hearsay()),
            (Some(Kept { first_hand: true, sum: 1 }), vec![])
        );
        assert_eq!((table.get(LineNumber(7)), table.numbers().count()), (None, 1));
    }
}
