//! A client's socket: bytes in, bytes out, and what could not be sent yet.

use mio::net::TcpStream;
use std::io::{self, Read, Write};

/// Nothing more is read from a client while so many bytes wait for it.
const UNSENT_BYTES: usize = 256 * 1024;

/// What became of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Bytes(usize),
    /// The client sends no more.
    End,
    /// Nothing for now.
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    unsent: Vec<u8>,
    /// How much of `unsent` was sent.
    sent: usize,
    /// There may be something to read. Readiness is told once, so it is kept here.
    readable: bool,
    /// The end of the client's bytes is near: a short read does not mean that nothing more comes.
    ending: bool,
    /// The server is done with it: closed when all is sent.
    pub(crate) closing: bool,
}

impl Client {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, unsent: Vec::new(), sent: 0, readable: false, ending: false, closing: false }
    }

    pub(crate) fn on_readable(&mut self, ending: bool) {
        self.readable = true;
        self.ending |= ending;
    }

    /// Reading makes sense now.
    pub(crate) fn wants_read(&self) -> bool {
        self.readable && !self.closing && self.unsent_bytes() < UNSENT_BYTES
    }

    pub(crate) fn unsent_bytes(&self) -> usize {
        self.unsent.len() - self.sent
    }

    /// One read.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Got> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => {
                    self.readable = false;
                    return Ok(Got::End);
                }
                Ok(count) => {
                    self.readable = count == buffer.len() || self.ending;
                    return Ok(Got::Bytes(count));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    return Ok(Got::Nothing);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends `bytes` as a write of their own, or keeps them behind what waits already.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = if self.unsent_bytes() == 0 { self.write(bytes)? } else { 0 };
        self.unsent.extend_from_slice(bytes.get(written..).unwrap_or_default());
        Ok(())
    }

    /// Sends what waits, as far as the socket takes it.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.unsent_bytes() == 0 {
            return Ok(());
        }
        let unsent = std::mem::take(&mut self.unsent);
        let written = self.write(unsent.get(self.sent..).unwrap_or_default());
        self.unsent = unsent;
        self.sent += written?;
        if self.unsent_bytes() == 0 {
            self.sent = 0;
            self.unsent.clear();
            self.unsent.shrink_to(UNSENT_BYTES);
        }
        Ok(())
    }

    /// How many of `bytes` the socket took.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }
}
