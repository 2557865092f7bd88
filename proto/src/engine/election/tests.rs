use super::*;

fn id(n: u8) -> PeerId {
    PeerId([n; 16])
}

/// Node `me` of members 1..=`members`, which hears `live`.
struct Node {
    election: Election,
    members: Members,
    anonymous: u32,
    live: BTreeSet<PeerId>,
    full: bool,
    now: Moment,
}

impl Node {
    fn new(me: u8, members: u8, quorum: Quorum) -> Self {
        let grace = Duration::from_secs(10);
        let settings =
            settings::Election { quorum, grace, in_doubt: settings::InDoubt::Resubmit, priority: 0 };
        let mut list = Members::default();
        (1..=members).for_each(|n| assert!(list.join(id(n))));
        let election = Election::new(id(me), settings, (Term(0), None), 7, Moment::ZERO);
        Self { election, members: list, anonymous: 0, live: BTreeSet::new(), full: false, now: Moment::ZERO }
    }

    fn hears(mut self, live: &[u8]) -> Self {
        self.live = live.iter().copied().map(id).collect();
        self
    }

    fn with<R>(&mut self, act: impl FnOnce(&mut Election, Moment, Electorate<'_>) -> R) -> R {
        let electorate = Electorate {
            members: &self.members,
            anonymous: self.anonymous,
            live: &self.live,
            full: self.full,
        };
        act(&mut self.election, self.now, electorate)
    }

    /// Lets time pass; what is to be stored is stored at once if `disk`.
    fn wait(&mut self, ms: u64, disk: bool) -> Vec<Said> {
        let end = self.now + Duration::from_millis(ms);
        let mut said = Vec::new();
        while let Some(at) = self.election.deadline().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.with(Election::on_time);
            if disk && self.election.take_ballot_changed() {
                self.with(Election::on_ballot_stored);
            }
            said.extend(self.election.take_said());
        }
        self.now = end;
        said
    }

    fn hears_of(&mut self, from: u8, master: u8) {
        self.with(|election, now, electorate| {
            election.on_beat(id(from), Term(1), Some(id(master)), now, electorate.live);
        });
    }

    fn vote_of(&mut self, from: u8, round: Round, term: u64) {
        self.with(|election, now, electorate| {
            election.on_vote(id(from), (round, Term(term), true), now, electorate);
        });
    }
}

#[test]
fn half_of_the_members_suffice_only_with_the_lowest_of_them() {
    let mut lowest = Node::new(1, 2, Quorum::Majority);
    lowest.wait(2_000, true);
    assert!(lowest.election.is_master());
    let mut other = Node::new(2, 2, Quorum::Majority);
    other.wait(2_000, true);
    assert!(!other.election.is_master());
}

#[test]
fn while_a_configured_peer_was_never_met_nobody_counts_as_the_lowest() {
    let mut alone = Node::new(1, 1, Quorum::Majority);
    alone.anonymous = 1;
    alone.wait(5_000, true);
    assert!(!alone.election.is_master());
}

#[test]
fn a_candidate_waits_for_its_own_vote_to_be_stored() {
    let mut node = Node::new(2, 3, Quorum::Majority).hears(&[1, 3]);
    node.wait(1_000, false);
    let term = node.election.term().next().0;
    node.vote_of(1, Round::PreVote, term);
    assert_eq!(node.election.term(), Term(term));
    node.vote_of(1, Round::Vote, term);
    node.wait(60_000, false);
    assert!(!node.election.is_master(), "its own vote is not stored");
    assert_eq!(node.election.term(), Term(term), "and it does not stand again meanwhile");
    node.with(Election::on_ballot_stored);
    node.vote_of(3, Round::Vote, term);
    assert!(node.election.is_master());
}

#[test]
fn being_told_to_stand_again_and_again_is_one_term_for_each_time_the_disk_keeps_up() {
    let mut node = Node::new(2, 3, Quorum::Majority).hears(&[1, 3]);
    for _ in 0..3 {
        node.with(Election::stand_now);
    }
    assert_eq!(node.election.term(), Term(1));
    let asks = node.election.take_said().into_iter().filter(|said| matches!(said, Said::Ask(_)));
    assert_eq!(asks.count(), 1);
    node.with(Election::on_ballot_stored);
    node.with(Election::stand_now);
    assert_eq!(node.election.term(), Term(2));
}

#[test]
fn one_vote_a_term_whoever_asks() {
    let mut voter = Node::new(1, 3, Quorum::Majority).hears(&[2, 3]);
    for from in [2, 3] {
        let ask = Ask { round: Round::Vote, term: Term(1), priority: 0 };
        voter.with(|election, now, electorate| election.on_ask(id(from), ask, now, electorate));
    }
    let granted: Vec<_> = voter
        .election
        .take_said()
        .into_iter()
        .filter_map(|said| match said {
            Said::Vote { to, granted, .. } => Some((to, granted)),
            _ => None,
        })
        .collect();
    assert_eq!(granted, [(id(2), true), (id(3), false)]);
    assert_eq!(voter.election.ballot(), (Term(1), Some(id(2))));
}

#[test]
fn a_master_that_is_only_heard_of_is_not_told_on() {
    let mut node = Node::new(1, 3, Quorum::Majority).hears(&[2]);
    node.with(|election, now, electorate| {
        election.on_beat(id(2), Term(1), Some(id(3)), now, electorate.live)
    });
    assert_eq!(
        (node.election.master(), node.with(|election, _, electorate| election.heard_master(electorate))),
        (Some(id(3)), None)
    );
    node.live.insert(id(3));
    node.with(|election, now, electorate| {
        election.on_beat(id(3), Term(1), Some(id(3)), now, electorate.live)
    });
    assert_eq!(node.with(|election, _, electorate| election.heard_master(electorate)), Some(id(3)));
}

#[test]
fn after_the_grace_time_those_who_hear_each_other_suffice() {
    let mut node = Node::new(3, 3, Quorum::Grace);
    node.wait(9_900, true);
    assert!(!node.election.is_master());
    node.wait(1_500, true);
    assert!(node.election.is_master());
    let mut strict = Node::new(3, 3, Quorum::Majority);
    strict.wait(60_000, true);
    assert!(!strict.election.is_master());
}

#[test]
fn a_newer_term_ends_a_master_and_a_master_held_up_steps_down() {
    for held_up in [false, true] {
        let mut node = Node::new(1, 1, Quorum::Majority);
        node.wait(2_000, true);
        assert!(node.election.is_master());
        node.with(
            |election, now, _| if held_up { election.on_stall(now) } else { election.on_term(Term(9), now) },
        );
        assert!(!node.election.is_master());
    }
}

#[test]
fn who_outranks_the_one_that_asks_says_no_and_stands_soon() {
    for (own, theirs, granted) in [(1, 0, false), (0, 0, true), (0, 1, true)] {
        let mut node = Node::new(1, 3, Quorum::Majority).hears(&[2, 3]);
        node.election.settings.priority = own;
        let ask = Ask { round: Round::PreVote, term: Term(1), priority: theirs };
        node.with(|election, now, electorate| election.on_ask(id(2), ask, now, electorate));
        let said = node.election.take_said();
        assert!(matches!(said[..], [Said::Vote { granted: was, .. }] if was == granted), "{said:?}");
        assert_eq!(node.election.deadline().unwrap() <= node.now + STAND, !granted, "{own} and {theirs}");
    }
}

#[test]
fn after_half_to_all_of_its_patience_a_node_stands_the_preferred_one_first() {
    for (priority, most) in [(1, STAND / 4), (0, STAND), (-1, STAND * 2)] {
        let mut node = Node::new(1, 3, Quorum::Majority).hears(&[2, 3]);
        node.election.settings.priority = priority;
        for term in 1..100 {
            node.with(|election, now, _| election.on_term(Term(term), now));
            let patience = node.election.deadline().unwrap().since(node.now);
            assert!((most / 2..=most).contains(&patience), "{patience:?} of {most:?}");
        }
    }
}

#[test]
fn a_master_is_told_of_once_and_followed_as_long_as_it_is_heard() {
    let mut node = Node::new(1, 3, Quorum::Majority).hears(&[2]);
    node.hears_of(2, 2);
    node.hears_of(2, 2);
    let elected = |said: &Said| matches!(said, Said::Note(Event::Elected { me: false, .. }));
    assert_eq!(node.election.take_said().iter().filter(|said| elected(said)).count(), 1);
    node.now = node.now + Duration::from_secs(60);
    node.with(Election::on_time);
    assert_eq!((node.election.master(), node.election.take_said()), (Some(id(2)), vec![]));
    node.live.clear();
    node.with(Election::on_time);
    assert_eq!(node.election.master(), None);
}

#[test]
fn who_hears_of_the_master_from_another_hears_of_the_next_one_so_too() {
    let mut node = Node::new(1, 4, Quorum::Majority).hears(&[2]);
    for master in [3, 4, 4] {
        node.hears_of(2, master);
        assert_eq!(node.election.master(), Some(id(master)));
    }
}

#[test]
fn a_node_that_others_take_for_the_master_does_not_follow_itself() {
    let mut node = Node::new(1, 3, Quorum::Majority).hears(&[2, 3]);
    node.hears_of(2, 1);
    assert_eq!(node.election.master(), None);
    node.hears_of(2, 2);
    node.hears_of(2, 1);
    node.election.check();
}

#[test]
fn a_guest_leads_nobody_and_where_those_who_are_heard_decide_it_does_not_count() {
    for quorum in [Quorum::Available, Quorum::Grace, Quorum::Majority] {
        let mut guest = Node::new(9, 3, quorum).hears(&[1, 2, 3]);
        guest.full = true;
        assert_eq!(guest.wait(30_000, true), []);
    }
    let mut member = Node::new(1, 3, Quorum::Available).hears(&[8, 9]);
    member.full = true;
    member.wait(30_000, true);
    assert!(member.election.is_master());
}
