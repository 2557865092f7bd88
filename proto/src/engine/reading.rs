//! What peers send, cut into messages, a share a turn.
//!
//! A link's messages are handled in order. What one turn may spend on them is bounded ([`limits::READ_WORK`]): what is
//! over waits in its link's `unread`, and so does everything before our `Hello` was said, while a peer does not take what
//! it asked for, and while too much waits for the disk. A peer that goes on sending meanwhile is closed. Lines are
//! free, but for their messages: there are no more of them than bytes, and who sends many is no worse for it.

use crate::{
    bitmap::bytes_up_to,
    engine::{Engine, io::ConnId},
    limits,
    time::Moment,
    wire::{
        frame::Room,
        peer::{self, ByeReason, Message},
    },
};
use std::collections::VecDeque;

/// A message, whatever it is, beside its bytes.
const MESSAGE_WORK: u64 = 300;

/// Which links have something unread, and what this turn spent on reading.
#[derive(Debug, Default)]
pub(super) struct Reading {
    waiting: VecDeque<ConnId>,
    spent: u64,
}

impl Engine {
    /// A turn begins.
    pub(super) fn begin_reading(&mut self) {
        self.reading.spent = 0;
    }

    pub(super) fn on_peer_bytes(&mut self, conn: ConnId, bytes: &[u8]) {
        let Some(link) = self.links.get_mut(conn) else { return };
        link.heard = self.now;
        if link.unread.is_empty() && self.may_read(conn) {
            self.read(conn, bytes);
        } else {
            self.put_by(conn, bytes);
        }
    }

    /// Goes on with what is unread.
    pub(super) fn read_on(&mut self) {
        for _ in 0..self.reading.waiting.len() {
            let Some(conn) = self.reading.waiting.pop_front() else { return };
            if self.may_read(conn) {
                self.read_unread(conn);
            } else if self.links.get(conn).is_some() {
                self.reading.waiting.push_back(conn);
            }
        }
    }

    /// Our hello was said on this link: what came before it is looked at.
    pub(super) fn on_greeted(&mut self, conn: ConnId) {
        if self.may_read(conn) {
            self.reading.waiting.retain(|waiting| *waiting != conn);
            self.read_unread(conn);
        }
    }

    fn read_unread(&mut self, conn: ConnId) {
        if let Some(link) = self.links.get_mut(conn) {
            let unread = core::mem::take(&mut link.unread);
            self.read(conn, &unread);
        }
    }

    /// When [`Engine::read_on`] has something to do: at once, in a turn of its own.
    pub(super) fn reading_deadline(&self) -> Option<Moment> {
        let ready = |conn: &ConnId| self.has_room_to_read(*conn);
        self.reading.waiting.iter().any(ready).then_some(self.now)
    }

    fn may_read(&self, conn: ConnId) -> bool {
        self.reading.spent < limits::READ_WORK && self.has_room_to_read(conn)
    }

    fn has_room_to_read(&self, conn: ConnId) -> bool {
        let most = 2 * limits::queue_bytes(self.links.len());
        self.deferred.len() < limits::DEFERRED
            && self.links.get(conn).is_some_and(|link| link.greeted && link.queued <= most)
    }

    fn put_by(&mut self, conn: ConnId, bytes: &[u8]) {
        let Some(link) = self.links.get_mut(conn).filter(|_| !bytes.is_empty()) else { return };
        if link.unread.is_empty() {
            self.reading.waiting.push_back(conn);
        }
        link.unread.extend_from_slice(bytes);
        let id = link.id;
        if link.unread.len() > limits::UNREAD_BYTES {
            self.refuse_because(conn, id, ByeReason::Broken, "it sends more than can be answered");
        }
    }

    fn read(&mut self, conn: ConnId, mut bytes: &[u8]) {
        // The reader leaves its link for the time of the loop, so that messages can borrow from it.
        let Some(link) = self.links.get_mut(conn) else { return };
        let mut reader = core::mem::take(&mut link.reader);
        while self.may_read(conn) {
            let before = self.out.work();
            let room = self.room(conn);
            let (read, free) = match reader.next_within(&mut bytes, room) {
                Ok(None) => break,
                Ok(Some(frame)) if !peer::is_wanted(&frame) => (Ok(()), false),
                Ok(Some(frame)) => {
                    self.out.charge(MESSAGE_WORK + frame.body.len() as u64 / 8);
                    match Message::read(frame) {
                        Ok(message) => {
                            let free = matches!(message, Message::Lines(_));
                            let read = self.on_message(conn, frame.lamport, message);
                            (read.map_err(str::to_owned), free)
                        }
                        Err(error) => (Err(error.to_string()), false),
                    }
                }
                Err(error) => (Err(error.to_string()), false),
            };
            self.reading.spent += if free { MESSAGE_WORK } else { self.out.work() - before };
            if let Err(why) = read {
                if let Some(id) = self.links.get(conn).map(|link| link.id) {
                    self.refuse_because(conn, id, ByeReason::Broken, &why);
                }
                return;
            }
        }
        if let Some(link) = self.links.get_mut(conn) {
            link.reader = reader;
            self.put_by(conn, bytes);
        }
    }

    /// How much of which message this link may have kept. What it says of lines of another job is not looked at.
    fn room(&self, conn: ConnId) -> impl Fn(u8) -> Room + use<> {
        let link = self.links.get(conn).filter(|link| link.established);
        let same_job = link.is_some_and(|link| link.epoch == self.durable.job.epoch);
        let bitmap = if same_job { bytes_up_to(self.ledger.highest()) } else { 0 };
        let waits = link.is_some_and(|link| self.recalls.waits_for(link.id));
        move |number| peer::room(number, bitmap, waits)
    }
}
