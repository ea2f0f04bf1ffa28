//! The log on standard error. whisper.cpp's own lines only with RUST_LOG=debug.

use std::ffi::{CStr, c_char, c_void};

use tracing_subscriber::EnvFilter;
use whisper_rs::whisper_rs_sys as sys;

/// Starts the log, for our own lines and whisper.cpp's.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .init();
    // SAFETY: the callback neither panics nor unwinds, and needs no user data.
    unsafe {
        sys::whisper_log_set(Some(line), std::ptr::null_mut());
        sys::ggml_log_set(Some(line), std::ptr::null_mut());
    }
}

unsafe extern "C" fn line(_level: sys::ggml_log_level, text: *const c_char, _: *mut c_void) {
    if text.is_null() {
        return;
    }
    // SAFETY: whisper.cpp passes a string that ends with NUL and lives during the call.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let text = text.trim();
    if !text.is_empty() && text != "." {
        tracing::debug!(target: "whisper.cpp", "{text}");
    }
}
