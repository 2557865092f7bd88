//! Made-up texts with the shape of the real file: many short lines, a few very long ones, tabs, a blank at an
//! edge, and pairs of equal text.
//!
//! Every share is kept to the line by ranks (the r-th shortest line has the r-th length), not by chance, so a
//! small file has the same shape as a large one.

use super::draws::SplitMix;

/// Length in bytes by rank, in per mille of the lines; linear in between.
const LENGTHS: [(u64, u64); 20] = [
    (0, 2),
    (5, 5),
    (20, 7),
    (50, 13),
    (100, 19),
    (200, 28),
    (300, 41),
    (400, 62),
    (500, 89),
    (600, 141),
    (700, 204),
    (800, 305),
    (850, 389),
    (900, 526),
    (940, 679),
    (970, 930),
    (976, 1024),
    (988, 1400),
    (996, 2048),
    (1000, 2541),
];

const WORDS: [&str; 64] = [
    "the", "of", "and", "to", "a", "in", "that", "he", "was", "it", "his", "is", "with", "for", "as", "had",
    "you", "not", "be", "her", "on", "at", "by", "which", "have", "or", "from", "this", "him", "but", "all",
    "she", "they", "were", "my", "are", "me", "one", "their", "so", "an", "said", "them", "we", "who",
    "would", "been", "will", "no", "when", "there", "if", "more", "out", "up", "window", "morning", "letter",
    "river", "garden", "journey", "stranger", "evening", "remember",
];

/// `count` texts in the order of the file.
pub(super) fn made_up(seed: u64, count: u32) -> Vec<Vec<u8>> {
    let mut rng = SplitMix::new(seed);
    let mut texts: Vec<Vec<u8>> = (0..count).map(|rank| prose(length(rank, count), &mut rng)).collect();
    // Pairs of neighbours in rank, which have about the same length; 12 in 1000.
    every(count, 12, |rank| {
        let text = rank.checked_sub(1).and_then(|before| texts.get(before).cloned());
        if let (Some(text), Some(twin)) = (text, texts.get_mut(rank)) {
            *twin = text;
        }
    });
    let (longer, shorter) = (count as usize * 2 / 3, count as usize / 3);
    if let Some(byte) = texts.get_mut(longer).and_then(|text| text.first_mut()).filter(|_| count >= 3) {
        *byte = b' ';
    }
    // Tabs, 4 in 1000, away from the twins.
    every(count, 4, |rank| {
        let text = texts.get_mut(rank + shorter / 12);
        if let Some(blank) = text.and_then(|text| text.iter_mut().skip(1).find(|byte| **byte == b' ')) {
            *blank = b'\t';
        }
    });
    for last in (1..texts.len()).rev() {
        let bound = u32::try_from(last + 1).unwrap_or(u32::MAX);
        texts.swap(last, rng.below(bound) as usize);
    }
    texts
}

/// Calls `with` for ranks spread evenly, `per_mille` in 1000 (rounded) and none at either end.
fn every(count: u32, per_mille: u32, mut with: impl FnMut(usize)) {
    let times = (u64::from(count) * u64::from(per_mille) + 500) / 1000;
    for time in 1..=times {
        with(usize::try_from(time * u64::from(count) / (times + 1)).unwrap_or_default());
    }
}

fn length(rank: u32, count: u32) -> usize {
    let place = u64::from(rank) * 1_000_000 / u64::from(count.saturating_sub(1).max(1));
    let (mut from, mut to) = ((0, 2), (1000, 2541));
    for point in LENGTHS {
        if point.0 * 1000 <= place {
            from = point;
        } else {
            to = point;
            break;
        }
    }
    let length = if to.0 == from.0 {
        to.1
    } else {
        from.1 + (to.1 - from.1) * (place - from.0 * 1000) / ((to.0 - from.0) * 1000)
    };
    usize::try_from(length).unwrap_or_default()
}

/// Words of exactly `length` bytes; no blank at an edge.
fn prose(length: usize, rng: &mut SplitMix) -> Vec<u8> {
    let mut text = Vec::with_capacity(length + 16);
    let mut begins = true;
    while text.len() < length {
        let word = WORDS.get(rng.below(64) as usize).copied().unwrap_or("and");
        let at = text.len();
        text.extend_from_slice(word.as_bytes());
        if let Some(letter) = text.get_mut(at).filter(|_| begins) {
            letter.make_ascii_uppercase();
        }
        begins = rng.below(12) == 0;
        if begins {
            text.push(b'.');
        }
        text.push(b' ');
    }
    text.truncate(length);
    if let Some(edge) = text.last_mut().filter(|edge| **edge == b' ') {
        *edge = b'.';
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    #[cfg_attr(miri, ignore = "a whole file: minutes")]
    fn a_file_of_a_thousand_lines_has_the_real_ones_shape() {
        for seed in 1..6 {
            let texts = made_up(seed, 1000);
            let mut lengths: Vec<usize> = texts.iter().map(Vec::len).collect();
            lengths.sort_unstable();
            let over = |bytes| lengths.iter().filter(|length| **length > bytes).count();
            assert_eq!((lengths[0], lengths[999]), (2, 2541));
            assert!((85..=93).contains(&lengths[500]), "median {}", lengths[500]);
            let mean = lengths.iter().sum::<usize>() / 1000;
            assert!((195..=210).contains(&mean), "mean {mean}");
            assert!((22..=26).contains(&over(1024)) && (3..=5).contains(&over(2048)));
            assert!(texts.iter().flatten().all(|byte| byte.is_ascii_graphic() || b" \t".contains(byte)));
            let tabs = texts.iter().filter(|text| text.contains(&b'\t')).count();
            assert!((3..=5).contains(&tabs), "{tabs} with tabs");
            let blank = |byte: Option<&u8>| byte == Some(&b' ');
            assert_eq!(texts.iter().filter(|text| blank(text.first()) || blank(text.last())).count(), 1);
            let mut times = BTreeMap::new();
            texts.iter().for_each(|text| *times.entry(text).or_insert(0) += 1);
            let pairs = times.values().filter(|times| **times == 2).count();
            assert!((11..=13).contains(&pairs), "{pairs} pairs");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "whole files: minutes")]
    fn any_number_of_lines_can_be_made_up_and_a_seed_makes_the_same_ones() {
        for count in [1, 2, 3, 10, 5000] {
            assert_eq!(made_up(1, count).len(), count as usize);
            assert!(made_up(1, count).iter().all(|text| (2..=2541).contains(&text.len())));
        }
        assert_eq!(made_up(3, 100), made_up(3, 100));
        assert_ne!(made_up(3, 100), made_up(4, 100));
    }
}
