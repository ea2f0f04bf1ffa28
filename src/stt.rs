//! stt
