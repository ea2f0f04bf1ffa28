//! The composition root: names the concrete engines, starts them, wires them, ends them.

pub mod supervisor;
