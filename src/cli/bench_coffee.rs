//! `comptoir bench --coffee`: recorded orders through the whole path, as recorded and in noise.

use super::{
    args::Bench,
    bench::{bar, recordings},
    hear::hear_file,
};
use crate::{
    audio::{Pcm, SPEECH_RATE, decode, resample, write_wav},
    bench::{
        coffee::{Labels, mixed},
        report::Coffee,
    },
    daemon::shopfront::Shopfront,
    lang::Language,
    shop::product::Product,
};
use anyhow::Context;
use std::path::Path;

/// Every order on a fresh session, once as recorded and once at each noise.
pub(super) async fn run(
    front: &Shopfront,
    (folder, args): (&Path, &Bench),
    scratch: &Path,
    catalog: &[Product],
) -> anyhow::Result<Vec<Coffee>> {
    let (text, limit) = recordings(folder, "labels.json", args.limit)?;
    let labels: Labels = serde_json::from_str(&text)?;
    let noise = args.noise.as_deref().map(samples).transpose()?;
    let levels = args.snr.iter().copied().map(Some);
    let levels = std::iter::once(None).chain(levels.filter(|_| noise.is_some()));
    let fresh = front.beside(&scratch.join("coffee"), None).await?;
    let mut out = Vec::new();
    for snr_db in levels {
        let mut coffee = Coffee {
            snr_db,
            ..Coffee::default()
        };
        let bar = bar(labels.len().min(limit) as u64);
        for (number, (file, said)) in labels.iter().take(limit).enumerate() {
            let mut path = folder.join(file);
            if let (Some(snr), Some(noise)) = (snr_db, &noise) {
                let pcm = Pcm {
                    samples: mixed(&samples(&path)?, noise, snr, number),
                    rate: SPEECH_RATE,
                };
                path = scratch.join("noisy.wav");
                write_wav(&path, &pcm)?;
            }
            let mut session = fresh.hearing(Some(Language::En));
            let answers = hear_file(&mut session, &path, &front.vad()).await;
            if let Some(answer) = answers.last() {
                coffee.add(file, said, &answer.turn, catalog);
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        out.push(coffee);
    }
    Ok(out)
}

/// The samples of a recording, 16 kHz.
fn samples(path: &Path) -> anyhow::Result<Vec<f32>> {
    let pcm =
        decode(path).with_context(|| format!("expected a recording in {}", path.display()))?;
    Ok(resample(&pcm, SPEECH_RATE)?.into_owned().samples)
}
