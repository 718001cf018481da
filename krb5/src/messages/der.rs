//! DER for the messages of an exchange, without rasn.
//!
//! A KDC reads and writes eight structures in an exchange; with rasn this took half of its time.
//! What is read here is plain DER, with the fields that the RFC names, in their order. A reader
//! returns `None` for anything else, and the message is then decoded with rasn, which is lenient
//! where clients require it and says what is wrong. So the two must agree on what this one accepts,
//! and tests compare them (`der/tests.rs`).

mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub(super) use reader::Reader;
pub(super) use writer::Writer;

/// A constructed value of the application class: the tag of a message.
const APPLICATION: u8 = 0x60;
/// A constructed value of the context class: the tag of a field.
const CONTEXT: u8 = 0xA0;
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const GENERALIZED_TIME: u8 = 0x18;
const GENERAL_STRING: u8 = 0x1B;
