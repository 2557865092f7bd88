//! The texts of the map, one after another in slabs: an allocation for many, and no byte between them.
//!
//! A text that is taken out leaves its bytes unused until the last text of its slab goes; few are ever taken out.
//! Invariant: a slab's bytes never move while one of its texts lives.

use std::num::NonZeroU32;

/// Room in a slab, but for a longer text. So large that the allocator takes a slab from the system by itself: what is not
/// filled yet takes no memory, and no slab lies between small things that come and go.
const SLAB: usize = 256 * 1024;

/// Where a text stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Counted from 1, so that no place takes no room of its own.
    slab: NonZeroU32,
    at: u32,
    bytes: u32,
}

impl Place {
    fn slab(index: u32) -> NonZeroU32 {
        NonZeroU32::MIN.saturating_add(index)
    }

    fn index(self) -> u32 {
        self.slab.get() - 1
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Texts {
    slabs: Vec<Slab>,
    /// Slabs without texts, but for the last in use.
    free: Vec<u32>,
    /// The slab that is being filled.
    filled: u32,
}

#[derive(Debug, Default)]
struct Slab {
    bytes: Vec<u8>,
    /// So many of its texts live.
    live: u32,
}

impl Texts {
    /// Copies a text in.
    pub(super) fn add(&mut self, text: &[u8]) -> Place {
        let fits = |slab: &Slab| slab.bytes.capacity() - slab.bytes.len() >= text.len();
        if !self.slabs.get(self.filled as usize).is_some_and(fits) {
            self.begin_slab(text.len());
        }
        let (slab, bytes) = (Place::slab(self.filled), u32::try_from(text.len()).unwrap_or(u32::MAX));
        let Some(Slab { bytes: to, live }) = self.slabs.get_mut(self.filled as usize) else {
            return Place { slab, at: 0, bytes: 0 };
        };
        let at = u32::try_from(to.len()).unwrap_or(u32::MAX);
        to.extend_from_slice(text);
        *live += 1;
        Place { slab, at, bytes }
    }

    /// The text that stands there.
    pub(super) fn get(&self, place: Place) -> &[u8] {
        let (from, to) = (place.at as usize, place.at as usize + place.bytes as usize);
        self.slabs.get(place.index() as usize).and_then(|slab| slab.bytes.get(from..to)).unwrap_or_default()
    }

    /// The text that stands there is of no more use.
    pub(super) fn remove(&mut self, place: Place) {
        let index = place.index();
        let Some(slab) = self.slabs.get_mut(index as usize) else { return };
        slab.live -= 1;
        if slab.live > 0 {
            return;
        }
        if index == self.filled {
            slab.bytes.clear();
        } else {
            slab.bytes = Vec::new();
            self.free.push(index);
        }
    }

    fn begin_slab(&mut self, text: usize) {
        let before = self.slabs.get(self.filled as usize);
        if let Some(&Slab { live: 0, .. }) = before {
            self.free.push(self.filled);
        }
        self.filled = self.free.pop().unwrap_or_else(|| {
            self.slabs.push(Slab::default());
            u32::try_from(self.slabs.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(slab) = self.slabs.get_mut(self.filled as usize) {
            slab.bytes = Vec::with_capacity(text.max(SLAB));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_that_lives_reads_back(
            steps in proptest::collection::vec((any::<bool>(), 0usize..9000, any::<u8>()), 0..200),
        ) {
            let (mut texts, mut live) = (Texts::default(), Vec::<(Place, Vec<u8>)>::new());
            for (adds, bytes, fill) in steps {
                if adds || live.is_empty() {
                    let text = vec![fill; bytes];
                    live.push((texts.add(&text), text));
                } else {
                    texts.remove(live.swap_remove(bytes % live.len()).0);
                }
                for (place, text) in &live {
                    prop_assert_eq!(texts.get(*place), text.as_slice());
                }
            }
            live.into_iter().for_each(|(place, _)| texts.remove(place));
            let held: usize = texts.slabs.iter().map(|slab| slab.bytes.capacity()).sum();
            prop_assert!(held <= SLAB.max(9000), "without texts one slab is left");
            prop_assert!(texts.slabs.iter().all(|slab| slab.live == 0));
        }
    }

    #[test]
    fn a_long_text_has_a_slab_of_its_own_size() {
        let mut texts = Texts::default();
        let long = vec![1; 3 * SLAB];
        let place = texts.add(&long);
        assert_eq!(texts.get(place), long);
        let next = texts.add(b"next");
        assert_eq!((texts.get(next), next.index()), (&b"next"[..], place.index() + 1));
        assert_eq!(texts.slabs[1].bytes.capacity(), SLAB);
    }

    #[test]
    fn what_is_replaced_again_and_again_takes_no_more_room() {
        let mut texts = Texts::default();
        let mut place = texts.add(b"the first");
        for _ in 0..100_000 {
            let next = texts.add(b"another text");
            texts.remove(place);
            place = next;
        }
        assert!(texts.slabs.len() <= 3, "{}", texts.slabs.len());
    }
}
