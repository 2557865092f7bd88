//! What a node must have on disk before it says it: term, vote, members, INTENT and the outcome.
//!
//! One value holds all of it, so that there is one kind of durable record and one kind of acknowledgement.
//! None of its parts ever goes back, but for a new job, which starts without INTENT and outcome.

use crate::{
    ids::{JobId, PeerId, Term},
    limits,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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

impl Durable {
    /// Drops remembered addresses until the record fits `limits::STATE_BYTES`: those of ids outside the swarm first, then of
    /// the rest the last in the order of their text. Such an address counts as not yet reached after a restart, until it is.
    /// Nothing else is ever dropped: the bounds of everything else fit together.
    pub fn fit(&mut self) {
        let cost = |address: &str| address.len() + 32;
        let mut size = self.size_without_addresses() + self.addresses.keys().map(|a| cost(a)).sum::<usize>();
        if size <= limits::STATE_BYTES {
            return;
        }
        let members = &self.members;
        let (outside, inside): (Vec<_>, Vec<_>) =
            self.addresses.iter().rev().partition(|(_, id)| !members.expects(**id));
        let mut dropped = Vec::new();
        for (address, _) in outside.into_iter().chain(inside) {
            if size <= limits::STATE_BYTES {
                break;
            }
            size = size.saturating_sub(cost(address));
            dropped.push(address.clone());
        }
        self.addresses.retain(|address, _| !dropped.contains(address));
    }

    /// An upper bound of the encoded size of all but the addresses, in bytes.
    fn size_without_addresses(&self) -> usize {
        let job = |job: &JobId| job.swarm.len() + job.label.len() + 32;
        let intent = |intent: &Intent| job(&intent.job) + 80;
        job(&self.job)
            + self.server.len()
            + self.members.known() * 21
            + self.intent.as_ref().map_or(0, intent)
            + self.outcome.as_ref().map_or(0, |outcome| intent(&outcome.intent) + outcome.reply.len() + 16)
            + 128
    }
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

/// Who belongs to the swarm, as a map that merges without order: a count per id, of which the rest modulo 3 says what the
/// id is: 0 outside, 1 announced, 2 a member. Every change makes the count larger, merging takes the larger.
///
/// A newcomer is announced first, and a member once those who decide now have all heard of it (docs/election.md).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Members(BTreeMap<PeerId, u32>);

const OUTSIDE: u32 = 0;
const ANNOUNCED: u32 = 1;
const MEMBER: u32 = 2;

impl Members {
    /// Announces somebody who is outside. False if it was announced, or a member.
    pub fn announce(&mut self, id: PeerId) -> bool {
        self.standing(id) == OUTSIDE && self.turn_into(id, ANNOUNCED)
    }

    /// Makes it a member. False if it was one already.
    pub fn join(&mut self, id: PeerId) -> bool {
        self.turn_into(id, MEMBER)
    }

    /// Takes it out (`leave`, `peer forget`). False if it was outside.
    pub fn leave(&mut self, id: PeerId) -> bool {
        self.turn_into(id, OUTSIDE)
    }

    fn turn_into(&mut self, id: PeerId, standing: u32) -> bool {
        let count = self.0.entry(id).or_default();
        let before = *count;
        *count = before.checked_add((3 + standing - before % 3) % 3).unwrap_or(before);
        *count > before
    }

    /// Takes over what another node knows, but for leaps that no coming and going explains; of ids that are new here
    /// only as many as may be known. Returns what changed.
    pub fn merge(&mut self, other: &Self) -> Vec<PeerId> {
        let mut changed = Vec::new();
        for (&id, &theirs) in &other.0 {
            let ours = self.count(id);
            let grows = theirs > ours && theirs - ours <= limits::STANDINGS;
            if grows && (self.0.contains_key(&id) || self.known() < limits::MEMBERS) {
                self.0.insert(id, theirs);
                changed.push(id);
            }
        }
        changed
    }

    /// What is known of these ids.
    #[must_use]
    pub fn of(&self, ids: &BTreeSet<PeerId>) -> Self {
        Self(ids.iter().filter_map(|id| Some((*id, *self.0.get(id)?))).collect())
    }

    /// The same in parts of so many ids at most, in the order in which they are to be told: first those who are members,
    /// or announced. One at least.
    #[must_use]
    pub fn in_parts(&self, most: usize) -> Vec<Self> {
        if self.known() <= most {
            return vec![self.clone()];
        }
        let mut all: Vec<(PeerId, u32)> = self.0.iter().map(|(id, count)| (*id, *count)).collect();
        all.sort_by_key(|(_, count)| count % 3 == OUTSIDE);
        all.chunks(most).map(|part| Self(part.iter().copied().collect())).collect()
    }

    /// How often the standing of `id` changed, two for an id that became a member unannounced.
    #[must_use]
    pub fn count(&self, id: PeerId) -> u32 {
        self.0.get(&id).copied().unwrap_or_default()
    }

    fn standing(&self, id: PeerId) -> u32 {
        self.count(id) % 3
    }

    /// Is `id` a member?
    #[must_use]
    pub fn contains(&self, id: PeerId) -> bool {
        self.standing(id) == MEMBER
    }

    /// Is `id` a member, or announced?
    #[must_use]
    pub fn expects(&self, id: PeerId) -> bool {
        self.standing(id) != OUTSIDE
    }

    /// The members, lowest id first.
    pub fn iter(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.roll().filter(|(_, member)| *member).map(|(id, _)| id)
    }

    /// Who is announced, lowest id first.
    pub fn announced(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.roll().filter(|(_, member)| !*member).map(|(id, _)| id)
    }

    /// Members and announced, lowest id first, and whether it is a member.
    pub(crate) fn roll(&self) -> impl Iterator<Item = (PeerId, bool)> + '_ {
        let expected = self.0.iter().filter(|(_, count)| **count % 3 != OUTSIDE);
        expected.map(|(&id, count)| (id, count % 3 == MEMBER))
    }

    /// Are there so many, members and announced?
    #[must_use]
    pub fn is_full(&self, voters: usize) -> bool {
        self.known() >= voters && self.roll().count() >= voters
    }

    /// Is `id` a member or announced, after so many lower ids? Of all that see so, none is among the lowest of all.
    #[must_use]
    pub fn is_surplus(&self, id: PeerId, voters: usize) -> bool {
        self.known() > voters
            && self.expects(id)
            && self.roll().nth(voters).is_some_and(|(first, _)| first <= id)
    }

    /// How many ids are known, members or not.
    #[must_use]
    pub fn known(&self) -> usize {
        self.0.len()
    }
}

/// More than half of all, or exactly half with the lowest: two such sets always meet. Only members count in favour, and
/// who is announced counts against unless it agrees, so that a set that suffices here suffices whether the others count
/// the announced already or not. While a configured address is anonymous nobody knows who is lowest.
pub(crate) fn is_majority(
    votes: impl Fn(&PeerId) -> bool,
    roll: impl Iterator<Item = (PeerId, bool)>,
    anonymous: u32,
) -> bool {
    let (mut all, mut yes, mut lowest) = (anonymous as usize, 0, None);
    for (id, member) in roll {
        let agrees = votes(&id);
        if member || !agrees {
            lowest.get_or_insert(agrees);
            all += 1;
            yes += usize::from(agrees);
        }
    }
    2 * yes > all || (2 * yes == all && anonymous == 0 && lowest == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> PeerId {
        PeerId([n; 16])
    }

    #[test]
    fn merging_members_is_the_same_in_either_order_and_a_later_leave_wins() {
        let (a, b) = (id(1), id(2));
        let mut left = Members::default();
        left.join(a);
        left.join(b);
        let mut right = left.clone();
        assert!(right.leave(b));
        assert!(!right.leave(b));
        let mut merged = left.clone();
        assert_eq!(merged.merge(&right), [b]);
        assert!(right.merge(&left).is_empty());
        assert_eq!(merged, right);
        assert_eq!(merged.iter().collect::<Vec<_>>(), [a]);
        assert!(merged.announce(b) && merged.expects(b) && !merged.contains(b) && !merged.announce(b));
        assert!(merged.join(b) && merged.contains(b) && !merged.announce(b));
    }

    #[test]
    fn the_largest_state_that_the_bounds_allow_fits_its_record() {
        let name = || "n".repeat(limits::NAME_BYTES);
        let job = JobId { swarm: name(), epoch: u64::MAX, lines: u32::MAX, label: name() };
        let intent = Intent { job: job.clone(), term: Term(u64::MAX), by: id(255), sha256: [255; 32] };
        let ids = |at: usize| PeerId(core::array::from_fn(|byte| (at >> (8 * (byte % 2))) as u8));
        let reply = "r".repeat(limits::REPLY_BYTES);
        // As long as a host name may be, of members, of strangers, and of both.
        for (length, first_known) in [(253, 0), (253, limits::MEMBERS - 100), (80, 3_900), (20, 0)] {
            let mut state = Durable {
                job: job.clone(),
                server: "s".repeat(length + 6),
                term: Term(u64::MAX),
                voted_for: Some(id(255)),
                members: Members((0..limits::MEMBERS).map(|at| (ids(at), u32::MAX - 1)).collect()),
                intent: Some(intent.clone()),
                outcome: Some(Outcome { intent: intent.clone(), right: true, reply: reply.clone() }),
                lamport_reserved: u64::MAX,
                ..Durable::default()
            };
            for at in 0..limits::CONTACTS {
                let address = format!("{at:04}{}:65535", "a".repeat(length - 4));
                state.addresses.insert(address, ids(first_known + at));
            }
            let whole = state.clone();
            assert!(whole.members.known() == limits::MEMBERS);
            state.fit();
            let bytes = postcard::to_stdvec(&state).unwrap().len();
            assert!(bytes <= limits::STATE_BYTES, "{length}: {bytes}");
            assert!(state.addresses.len() >= 100, "{length}: {} are kept", state.addresses.len());
            let of_member =
                |state: &Durable| state.addresses.values().filter(|id| state.members.expects(**id)).count();
            let outside = state.addresses.len() - of_member(&state);
            assert!(outside == 0 || of_member(&state) == of_member(&whole), "members' addresses go last");
            let rest = Durable { addresses: whole.addresses.clone(), ..state.clone() };
            assert_eq!(rest, whole, "nothing else is dropped");
        }
        let mut small = Durable { addresses: [("a:1".into(), id(1))].into(), ..Durable::default() };
        small.fit();
        assert_eq!(small.addresses.len(), 1);
    }

    /// All sets of ids 1 to 5.
    fn sets() -> impl Iterator<Item = BTreeSet<PeerId>> {
        (0..32_u8).map(|bits| (0..5).filter(|n| bits & 1 << n != 0).map(|n| id(n + 1)).collect())
    }

    #[test]
    #[cfg_attr(miri, ignore = "all subsets: minutes")]
    fn two_majorities_meet_whoever_of_the_announced_the_other_counts_already() {
        let suffices =
            |votes: &BTreeSet<PeerId>, members: &BTreeSet<PeerId>, announced: &BTreeSet<PeerId>| {
                let roll = members.union(announced).map(|id| (*id, members.contains(id)));
                is_majority(|id| votes.contains(id), roll, 0)
            };
        let mut seen = 0;
        for (members, announced) in sets().flat_map(|a| sets().map(move |b| (a.clone(), b))) {
            if members.is_empty() || !members.is_disjoint(&announced) {
                continue;
            }
            for counted in sets().filter(|counted| counted.is_subset(&announced)) {
                let theirs: BTreeSet<_> = members.union(&counted).copied().collect();
                for ours in sets().filter(|votes| suffices(votes, &members, &announced)) {
                    assert!(suffices(&ours, &theirs, &BTreeSet::new()), "{members:?} {announced:?} {ours:?}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 1_000);
    }

    #[test]
    fn a_long_list_is_told_in_parts_that_make_the_same_list_and_those_who_count_come_first() {
        let mut members = Members::default();
        for n in 0..100 {
            assert!(members.join(id(n)));
            let _ = n % 3 != 0 && members.leave(id(n));
        }
        for most in [1, 7, 34, 99, 100, 1000] {
            let parts = members.in_parts(most);
            assert!(parts.iter().all(|part| (1..=most).contains(&part.known())));
            let mut heard = Members::default();
            parts.iter().for_each(|part| assert_eq!(heard.merge(part).len(), part.known()));
            assert_eq!(heard, members);
            let first = most.min(34);
            assert_eq!(parts[0].roll().count(), if most < 100 { first } else { 34 });
        }
        assert_eq!(Members::default().in_parts(5).len(), 1);
    }

    #[test]
    fn nobody_can_use_up_the_changes_of_a_standing() {
        let mut members = Members::default();
        members.join(id(1));
        let before = members.clone();
        assert!(members.merge(&Members([(id(1), u32::MAX), (id(2), 1 << 30)].into())).is_empty());
        assert_eq!(members, before);
        let mut spent = Members([(id(1), u32::MAX)].into());
        assert!(!spent.announce(id(1)) && !spent.join(id(1)) && !spent.contains(id(1)));
    }

    #[test]
    fn of_too_many_members_each_knows_whether_it_is_among_the_lowest() {
        let mut members = Members::default();
        (1..=6).for_each(|n| assert!(if n % 2 == 0 { members.join(id(n)) } else { members.announce(id(n)) }));
        assert!(members.is_full(6) && !members.is_full(7));
        let surplus = |voters| (0..9).filter(|n| members.is_surplus(id(*n), voters)).collect::<Vec<_>>();
        assert_eq!((surplus(6), surplus(4), surplus(7)), (vec![], vec![5, 6], vec![]));
        assert!(members.leave(id(2)) && !members.is_full(6) && members.is_surplus(id(6), 4));
    }

    #[test]
    #[cfg_attr(miri, ignore = "thousands of peers: minutes")]
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
        assert!(members.merge(&more).is_empty());
    }
}
