//! Who suffices: a majority of the members, or of those who are heard where the setting or the end of the grace says so.
//!
//! Asked in each turn, so what is only asked makes no set of those who are heard.

use super::{Election, Electorate, Said};
use crate::{
    engine::{event::Event, settings::Quorum, state::is_majority},
    ids::PeerId,
    time::Moment,
};
use std::collections::BTreeSet;

impl Election {
    /// Does `votes` suffice?
    #[must_use]
    pub fn is_quorum(&self, votes: &BTreeSet<PeerId>, electorate: Electorate<'_>) -> bool {
        if self.settings.quorum == Quorum::Available || self.grace_over {
            is_majority(|id| votes.contains(id), self.heard(electorate).into_iter().map(|id| (id, true)), 0)
        } else {
            is_majority(|id| votes.contains(id), electorate.members.roll(), electorate.anonymous)
        }
    }

    /// Do the live peers and this node suffice? Never for a guest: it leads nobody.
    pub(super) fn hears_quorum(&self, electorate: Electorate<'_>) -> bool {
        let heard_decide = self.settings.quorum == Quorum::Available || self.grace_over;
        !electorate.is_guest(self.me) && (heard_decide || self.hears_majority(electorate))
    }

    /// Are the live peers and this node a majority of all members?
    fn hears_majority(&self, electorate: Electorate<'_>) -> bool {
        let heard = |id: &PeerId| *id == self.me || electorate.live.contains(id);
        is_majority(heard, electorate.members.roll(), electorate.anonymous)
    }

    /// Live peers and this node, but for guests.
    fn heard(&self, electorate: Electorate<'_>) -> BTreeSet<PeerId> {
        electorate.live.iter().copied().chain([self.me]).filter(|id| !electorate.is_guest(*id)).collect()
    }

    pub(super) fn waits_for_grace(&self) -> bool {
        self.settings.quorum == Quorum::Grace && !self.grace_over
    }

    /// For how long there is no majority, and whether the grace is over.
    pub(super) fn watch_majority(&mut self, now: Moment, electorate: Electorate<'_>) {
        if electorate.is_guest(self.me) || self.hears_majority(electorate) {
            self.without_majority = None;
            self.grace_over = false;
            return;
        }
        if self.settings.quorum == Quorum::Available {
            return;
        }
        let count = u32::try_from(self.heard(electorate).len()).unwrap_or(u32::MAX);
        let since = *self.without_majority.get_or_insert_with(|| {
            let members = u32::try_from(electorate.members.iter().count()).unwrap_or(u32::MAX);
            let members = members.saturating_add(electorate.anonymous);
            self.said.push(Said::Note(Event::NoMajority { heard: count, members }));
            now
        });
        if self.waits_for_grace() && now >= since + self.settings.grace {
            self.grace_over = true;
            self.said.push(Said::Note(Event::Grace { heard: count }));
            if self.master().is_none() {
                self.stand_at = self.stand_at.min(now + self.random(self.patience()));
            }
        }
    }
}
