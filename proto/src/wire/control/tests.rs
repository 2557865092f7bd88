//! What commands may be asked where.

use super::*;

#[test]
fn what_only_looks_may_be_asked_on_the_status_socket() {
    assert!(Command::Status.is_read() && Command::Why.is_read());
    assert!(!Command::Leave.is_read() && !Command::Pause.is_read());
}
