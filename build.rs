//! Links libsonic to the one program that carries espeak-ng.
//!
//! espeak-ng is built against the system's libsonic when it is installed (otherwise its build
//! would fetch sonic from the network), but espeak-rs-sys does not say so to the linker.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_TTS").is_some() {
        println!("cargo:rustc-link-arg-bin=comptoir-tts=-lsonic");
    }
}
