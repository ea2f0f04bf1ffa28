//! WAV files that we write.

use std::fs::File;
use std::io;
use std::path::Path;

use super::{AudioError, Pcm};

/// Writes a recording as 16-bit WAV. The file appears whole or not at all; what is louder than
/// full scale is clipped.
///
/// # Errors
/// When the file cannot be written.
pub fn write_wav(path: impl AsRef<Path>, pcm: &Pcm) -> Result<(), AudioError> {
    let path = path.as_ref();
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    let draft = path.with_file_name(name);
    let written = write_to(&draft, pcm).and_then(|()| std::fs::rename(&draft, path));
    written.map_err(|source| {
        // The draft may not exist; the error that matters is the first.
        let _ = std::fs::remove_file(&draft);
        AudioError::Unwritable {
            path: path.into(),
            source,
        }
    })
}

fn write_to(draft: &Path, pcm: &Pcm) -> io::Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: pcm.rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let io_error = |error| match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other),
    };
    let file = File::create(draft)?;
    let mut writer = hound::WavWriter::new(io::BufWriter::new(&file), spec).map_err(io_error)?;
    for &sample in &pcm.samples {
        writer
            .write_sample((sample * 32_768.0).round() as i16)
            .map_err(io_error)?;
    }
    writer.finalize().map_err(io_error)?;
    file.sync_all()
}
