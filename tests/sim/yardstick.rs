//! The yardstick.
