//! What a node must have on disk before it says it: term, vote, members, INTENT and the outcome.
//!
//! One value holds all of it, so that there is one kind of durable record and one kind of acknowledgement.
//! None of its parts ever goes back, but for a new job, which starts without INTENT and outcome.

use crate::{
    ids::{JobId, PeerId, Term},
    limits,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, btree_map::Entry};

/// The durable state of a node; [`Ticket`]s acknowledge it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durable {
    /// The job that the journal's lines belong to.
    pub job: JobId,
    /// The line server of this job, `host:port`.
    pub server: String,
    /// The newest term seen.
    pub term: Term,
    /// Whom this node voted for in `term`.
    pub voted_for: Option<PeerId>,
    /// Who counts for a quorum.
    pub members: Members,
    /// The last known id behind a configured address, so that it is not counted twice after a restart.
    pub addresses: BTreeMap<String, PeerId>,
    /// A submit that somebody announced, and that may have happened.
    pub intent: Option<Intent>,
    /// What the server said of a submit.
    pub outcome: Option<Outcome>,
    /// Lamport times below this may have been used.
    pub lamport_reserved: u64,
}

/// Numbers the engine's durable writes; an acknowledgement names the newest one that is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ticket(pub u64);

/// A master's announcement that it is about to submit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Of which job.
    pub job: JobId,
    /// The master's term.
    pub term: Term,
    /// The master.
    pub by: PeerId,
    /// SHA-256 of the file: each text followed by `\n`, in the order of the numbers.
    pub sha256: [u8; 32],
}

/// What the server said of a submit: DONE if it was right, REJECTED otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The submit it belongs to.
    pub intent: Intent,
    /// All lines correct, none incorrect.
    pub right: bool,
    /// The server's reply, as text.
    pub reply: String,
}

/// Who belongs to the swarm, as a map that merges without order: a count per id, odd while it is a member.
/// Joining makes an even count odd, leaving makes an odd one even, merging takes the larger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members(BTreeMap<PeerId, u32>);

impl Members {
    /// Adds a member. False if it was one already.
    pub fn join(&mut self, id: PeerId) -> bool {
        self.flip(id, true)
    }

    /// Takes a member out (`leave`, `peer forget`). False if it was none.
    pub fn leave(&mut self, id: PeerId) -> bool {
        self.flip(id, false)
    }

    fn flip(&mut self, id: PeerId, to_member: bool) -> bool {
        let count = self.0.entry(id).or_default();
        let changes = (*count % 2 == 1) != to_member;
        if changes {
            *count = count.saturating_add(1);
        }
        changes
    }

    /// Takes over what another node knows, of [`limits::MEMBERS`] ids at most. True if anything was new.
    pub fn merge(&mut self, other: &Self) -> bool {
        let mut changed = false;
        for (&id, &theirs) in &other.0 {
            let full = self.0.len() >= limits::MEMBERS;
            let ours = match self.0.entry(id) {
                Entry::Occupied(ours) => ours.into_mut(),
                Entry::Vacant(_) if full || theirs == 0 => continue,
                Entry::Vacant(new) => new.insert(0),
            };
            if theirs > *ours {
                *ours = theirs;
                changed = true;
            }
        }
        changed
    }

    /// Is `id` a member?
    #[must_use]
    pub fn contains(&self, id: PeerId) -> bool {
        self.0.get(&id).is_some_and(|count| count % 2 == 1)
    }

    /// The members, lowest id first.
    pub fn iter(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.0.iter().filter(|(_, count)| *count % 2 == 1).map(|(&id, _)| id)
    }

    /// How many ids are known, members or not.
    #[must_use]
    pub fn known(&self) -> usize {
        self.0.len()
    }
}

/// More than half of all, or exactly half with the lowest member: two such sets always meet. While a configured
/// address is anonymous nobody knows who is lowest.
pub(crate) fn is_majority(
    votes: impl Fn(&PeerId) -> bool,
    members: impl Iterator<Item = PeerId>,
    anonymous: u32,
) -> bool {
    let (mut all, mut yes, mut lowest) = (anonymous as usize, 0, None);
    for member in members {
        lowest.get_or_insert(member);
        all += 1;
        yes += usize::from(votes(&member));
    }
    2 * yes > all || (2 * yes == all && anonymous == 0 && lowest.is_some_and(|lowest| votes(&lowest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_members_is_the_same_in_either_order_and_a_later_leave_wins() {
        let (a, b) = (PeerId([1; 16]), PeerId([2; 16]));
        let mut left = Members::default();
        left.join(a);
        left.join(b);
        let mut right = left.clone();
        assert!(right.leave(b));
        assert!(!right.leave(b));
        let mut merged = left.clone();
        assert!(merged.merge(&right));
        assert!(!right.merge(&left));
        assert_eq!(merged, right);
        assert_eq!(merged.iter().collect::<Vec<_>>(), [a]);
        assert!(merged.join(b) && merged.contains(b));
    }

    #[test]
    fn crowds_that_peers_tell_of_fill_the_list_and_no_more() {
        let mut members = Members::default();
        for town in 0..3 {
            let mut crowd = Members::default();
            for n in 0..3_000_u16 {
                crowd.join(PeerId(core::array::from_fn(|at| [town, (n >> 8) as u8, n as u8][at % 3])));
            }
            members.merge(&crowd);
        }
        assert_eq!(members.known(), limits::MEMBERS);
        let more = members.clone();
        assert!(!members.merge(&more));
    }
}
