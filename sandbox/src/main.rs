//! The `kerbox` command.
fn main() {}
