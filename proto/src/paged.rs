//! A table from small numbers to values, in pages that exist where something was put: what a server or a peer calls a
//! line's number may cost a page, not all the room below it.
//!
//! It only keeps. Invariant: within a page all slots exist; those where nothing was put hold the default.

use std::mem;

/// So many slots make a page.
const PAGE: usize = 1024;

/// See the module.
#[derive(Debug)]
pub struct Paged<T> {
    pages: Vec<Option<Box<[T]>>>,
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Self { pages: Vec::new() }
    }
}

impl<T: Copy + Default> Paged<T> {
    /// What was put at `index`, or the default.
    #[must_use]
    pub fn get(&self, index: u32) -> T {
        let (page, at) = split(index);
        self.pages.get(page).and_then(|page| page.as_ref()?.get(at)).copied().unwrap_or_default()
    }

    /// Puts `value` at `index`; gives what was there.
    pub fn put(&mut self, index: u32, value: T) -> T {
        let (page, at) = split(index);
        if page >= self.pages.len() {
            self.pages.resize_with(page + 1, || None);
        }
        let page =
            self.pages.get_mut(page).map(|page| page.get_or_insert_with(|| vec![T::default(); PAGE].into()));
        page.and_then(|page| page.get_mut(at)).map(|slot| mem::replace(slot, value)).unwrap_or_default()
    }

    /// The slots of all pages from `from` on, in order, with their indices.
    pub fn range(&self, from: u32) -> impl Iterator<Item = (u32, T)> {
        let pages = (0..).step_by(PAGE).zip(&self.pages).skip(split(from).0);
        let slots = pages.flat_map(|(first, page)| (first..).zip(page.iter().flatten().copied()));
        slots.skip_while(move |(index, _)| *index < from)
    }
}

fn split(index: u32) -> (usize, usize) {
    (index as usize / PAGE, index as usize % PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(
            puts in proptest::collection::vec((0u32..9 * PAGE as u32, 1u8..), 0..200),
            from in 0u32..9 * PAGE as u32,
        ) {
            let (mut paged, mut map) = (Paged::<u8>::default(), BTreeMap::new());
            for (index, value) in puts {
                prop_assert_eq!(paged.put(index, value), map.get(&index).copied().unwrap_or(0));
                map.insert(index, value);
            }
            for index in 0..10 * PAGE as u32 {
                prop_assert_eq!(paged.get(index), map.get(&index).copied().unwrap_or(0));
            }
            let put: Vec<_> = paged.range(from).filter(|(_, value)| *value > 0).collect();
            prop_assert_eq!(put, map.range(from..).map(|(at, value)| (*at, *value)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn one_large_number_costs_one_page() {
        let mut paged = Paged::<u8>::default();
        paged.put(16_000_000, 1);
        assert_eq!(paged.pages.iter().flatten().count(), 1);
    }
}
