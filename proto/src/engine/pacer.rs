//! Learns the line server's limit from refusals.
