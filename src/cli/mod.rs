//! The command line: what each verb does and how its answer is shown.
pub mod catalog;
