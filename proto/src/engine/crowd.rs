//! A crowd: more nodes than one may be linked to (docs/crowds.md). Who is linked to whom is chance, and changes, so that the
//! swarm hangs together whoever dies; a line is passed on from link to link; few vote, the others are guests.
//!
//! As long as no more nodes are known than `max-peers` all are linked to all, and nothing here is done. A link that has to
//! go, goes after its other end was told of others to dial.

use crate::{
    engine::{Engine, links::Room},
    ids::PeerId,
    limits,
    time::Moment,
    wire::peer::ByeReason,
};
use core::time::Duration;

/// Peers that are dialled side by side.
const DIALS_AT_ONCE: usize = 16;
/// One more node is dialled after so many heartbeats, and somebody may have to go for it; but not later than after
/// [`LONGEST_MIX`].
const MIX_BEATS: u32 = 20;
const LONGEST_MIX: Duration = Duration::from_secs(30);

impl Engine {
    /// More nodes are known than may be linked.
    pub(super) fn is_crowded(&self) -> bool {
        self.links.reachable() > self.settings.swarm.max_peers
    }

    /// A newcomer gets a link, and for a moment one more than `max-peers` if need be.
    pub(super) fn has_room_for_newcomer(&self) -> bool {
        self.links.len() < self.settings.swarm.max_peers + limits::ARRIVALS
    }

    /// So many dials may be under way. In a crowd half of the links are for those who dial this node; a member keeps a
    /// link to each other member beside.
    pub(super) fn dial_room(&self) -> Room {
        let most = self.settings.swarm.max_peers;
        let room = |most: usize| most.saturating_sub(self.links.len()).min(DIALS_AT_ONCE);
        if !self.is_crowded() {
            return Room { any: room(most), members: room(most) };
        }
        let any = room(most.div_ceil(2)).max(usize::from(self.now >= self.mix_at));
        let is_member = self.durable.members.expects(self.settings.id);
        Room { any, members: if is_member { room(most).max(1) } else { any } }
    }

    /// Dials; lets a link go if there are too many.
    pub(super) fn turn_crowd(&mut self) {
        let room = self.dial_room();
        self.links.dial_due(self.now, room, &self.durable.members, &mut self.out);
        if !self.is_crowded() {
            return;
        }
        if self.now >= self.mix_at {
            self.mix_at = self.now + (self.beat_interval() * MIX_BEATS).min(LONGEST_MIX);
        }
        // What waits for the disk tells some of them of others.
        let all_said = self.deferred.is_empty();
        if self.links.live().len() > self.settings.swarm.max_peers
            && all_said
            && let Some((conn, id)) = self.links.any_but(&self.durable.members, self.news.newest())
        {
            self.turn_away(conn, (id, None), ByeReason::Full, ByeReason::Full.text());
        }
    }

    /// When [`Engine::turn_crowd`] has something to do.
    pub(super) fn crowd_deadline(&self) -> Option<Moment> {
        let dial = self.links.dial_deadline(self.dial_room(), &self.durable.members);
        dial.into_iter().chain(self.is_crowded().then_some(self.mix_at)).min()
    }

    /// Is there a place among the members for another node, and may this node give it? If there are more nodes than
    /// places, only the master does: all at once would give each place many times.
    pub(super) fn has_place(&self) -> bool {
        let voters = self.settings.swarm.voters();
        let enough = self.links.reachable() < voters || self.election.is_master();
        enough && !self.durable.members.is_full(voters)
    }

    /// Swarms have met, or many nodes at once, and there are more members than places: the highest ids become guests, each
    /// by its own will, as whoever leaves. (Nobody else could say that its vote is no longer to be counted.)
    pub(super) fn resign_if_too_many(&mut self) {
        let (me, voters) = (self.settings.id, self.settings.swarm.voters());
        if !self.election.is_master()
            && self.durable.members.is_surplus(me, voters)
            && self.durable.members.leave(me)
        {
            self.on_standing(me);
        }
    }

    /// Is what peers sent passed on to this one? In a crowd, over some links; both ends choose by the same chance, and
    /// nearly always the same (how many links each has differs).
    pub(super) fn relays_to(&self, id: PeerId) -> bool {
        let head = |id: PeerId| id.0.first_chunk().map_or(0, |head| u64::from_le_bytes(*head));
        let lot =
            || fastrand::Rng::with_seed(head(id) ^ head(self.settings.id)).usize(..self.links.len().max(1));
        self.is_crowded() && lot() < limits::RELAYS
    }
}
