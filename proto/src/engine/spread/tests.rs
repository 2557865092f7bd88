//! A batch that serves several links gives each what it would have got alone.

use super::*;
use crate::{engine::ledger::FingerprintKey, lines::SharedLines};
use proptest::{collection::vec, prelude::*};

/// A link, as far as a batch looks at it: where it stands in the log, what it holds, what it asked for; and whether it gets
/// first-hand lines only.
type Lack = (usize, Vec<usize>, Vec<usize>, bool);

fn link((cursor, theirs, owed, _): &Lack, arrivals: &[LineNumber]) -> Link {
    let some = |of: &[usize]| of.iter().map(|index| arrivals[index % arrivals.len()]).collect::<Bitmap>();
    let mut link = Link::new(PeerId([1; 16]), ([127, 0, 0, 1], 9).into(), Moment(0));
    (link.cursor, link.theirs) = (cursor % (arrivals.len() + 1), some(theirs));
    link.owed.add(&some(owed));
    link
}

fn gathered(batch: &mut Batch, link: &mut Link, ledger: &Ledger, first_hand_only: bool) -> String {
    batch.gather(link, ledger, first_hand_only);
    let Link { cursor, theirs, owed, .. } = link;
    format!("{:?} {:?} {cursor} {theirs:?} {owed:?}", batch.numbers, batch.lines)
}

proptest! {
    #[test]
    fn a_shared_batch_gives_each_link_what_it_would_get_alone(
        // Some are so long that a batch does not hold all.
        lines in vec((any::<bool>(), prop_oneof![0usize..20, 3000..9000usize]), 1..12),
        links in vec(
            (
                prop_oneof![2 => Just(0), 1 => any::<usize>()],
                prop_oneof![2 => Just(Vec::new()), 1 => vec(any::<usize>(), 0..3)],
                prop_oneof![3 => Just(Vec::new()), 1 => vec(any::<usize>(), 0..3)],
                prop_oneof![3 => Just(true), 1 => Just(false)],
            ),
            1..8,
        ),
    ) {
        let mut ledger = Ledger::new(Some(100), SharedLines::new(), &[], FingerprintKey::new(1));
        for (number, (drawn, length)) in (0..).map(LineNumber).zip(&lines) {
            let text = vec![b'x'; *length];
            if *drawn {
                ledger.drawn(number, &text);
            } else {
                ledger.heard(number, &text, PeerId([2; 16]));
            }
        }
        let mut shared = Batch::default();
        for lack in &links {
            let (mut one, mut other) = (link(lack, ledger.arrivals()), link(lack, ledger.arrivals()));
            // Twice, as a link that lacks much gets several.
            for _ in 0..2 {
                prop_assert_eq!(
                    gathered(&mut shared, &mut one, &ledger, lack.3),
                    gathered(&mut Batch::default(), &mut other, &ledger, lack.3)
                );
            }
        }
    }
}
