//! `comptoir run`: the live daemon, and what it does as lines on the terminal.

use super::{
    Ending,
    args::{Global, Run},
    output::{Palette, line, turn_lines},
};
use crate::{
    audio::devices::DeviceError,
    audio::live::{front::Front, loudspeaker::Loudspeaker, microphone::Microphone},
    daemon::{
        Needs,
        live::{self, LiveSettings, Ports, Press, Seen, Working, control, speaker::Speaker},
        lock::Lock,
        shopfront::Shopfront,
    },
    session::floor::FloorSettings,
    wyoming::Uri,
};
use serde_json::json;
use std::{io::BufRead, net::SocketAddr, time::Duration};
use tokio::sync::mpsc;

/// How often the voice looks at what was played.
const VOICE_PERIOD: Duration = Duration::from_millis(10);

/// A microphone from which nothing comes for so long is away.
const DEAF: Duration = Duration::from_secs(2);

/// Runs the verb until it is told to stop.
///
/// # Errors
/// When it cannot be begun: settings, shop, engines, devices.
pub async fn run(args: &Run, global: &Global) -> anyhow::Result<Ending> {
    let mut settings = super::settings(global)?;
    let live = &mut settings.live;
    live.open |= args.open;
    live.denoise &= !args.raw;
    for (flag, setting) in [
        (&args.input, &mut live.input),
        (&args.output, &mut live.output),
        (&args.listen, &mut live.listen),
    ] {
        if let Some(flag) = flag {
            setting.clone_from(flag);
        }
    }
    let wanted = live.clone();
    let wake = match settings.wake.uri.as_str() {
        "" => None,
        uri => Some(uri.parse::<Uri>()?),
    };
    let _lock = Lock::take(&settings.data_folder())?;
    // The devices first: what is missing is told before a model is loaded.
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let (input, output) = (named(&wanted.input), named(&wanted.output));
    let (microphone, (loudspeaker, played)) = tokio::task::spawn_blocking(move || {
        let microphone = Microphone::open(input.as_deref())?;
        Ok::<_, DeviceError>((microphone, Loudspeaker::open(output.as_deref())?))
    })
    .await??;
    let (in_health, out_health) = (microphone.health(), loudspeaker.health());
    let front = Shopfront::open_for_customers(settings, args.shop.as_deref(), Needs::ALL).await?;
    let voice = front
        .voice()
        .ok_or_else(|| anyhow::anyhow!("expected a voice (tts), found none in the settings"))?;
    let first_within = Duration::from_millis(front.settings().tts.deadline_ms);
    let (ears, frames) = Front::spawn(microphone, Some(played), wanted.denoise)?;
    let (speaker, told, _voice) = Speaker::spawn(loudspeaker, voice, first_within, VOICE_PERIOD);
    let (presses, pressed) = mpsc::channel(8);
    let (watcher, mut seen) = mpsc::channel(256);
    let control = match wanted.listen.as_str() {
        "off" => None,
        at => {
            let at: SocketAddr = at.parse().map_err(|e| {
                anyhow::anyhow!("expected --listen as 127.0.0.1:PORT or off, found {at:?}: {e}")
            })?;
            let webhook = front.backend().map(|b| b.webhook());
            Some(control::serve(at, presses.clone(), webhook).await?)
        }
    };
    let wake = wake.map(|uri| {
        let word = named(&front.settings().wake.word);
        live::wake::spawn(uri, word, presses.clone())
    });
    keys(presses);
    let how = LiveSettings {
        open: wanted.open,
        language: args.lang.language(),
        floor: FloorSettings::default(),
        vad: front.vad(),
        idle: Duration::from_secs(wanted.idle_s.into()),
        deaf_after: DEAF,
    };
    let view = View {
        json: args.json,
        p: Palette::default(),
    };
    view.say(&json!({"ready": true, "push_to_talk": control.as_ref().map(|(at, _)| format!("http://{at}/v1/push_to_talk"))}), &match &control {
        Some((at, _)) => format!("ready: press Enter to talk, or POST http://{at}/v1/push_to_talk; end with Ctrl-C"),
        None => "ready: press Enter to talk; end with Ctrl-C".to_owned(),
    })?;
    let ports = Ports {
        frames,
        speaker,
        told,
        presses: pressed,
        watcher,
        wake,
        working: Working::default(),
    };
    // On a thread of its own: a terminal that is held (Ctrl-S) does not hold the kiosk.
    let levels = args.levels;
    let watched = tokio::task::spawn_blocking(move || {
        let mut devices = Devices::default();
        while let Some(event) = seen.blocking_recv() {
            if let Seen::Level(level) = event {
                devices.look(&view, &in_health, &out_health)?;
                view.level(level, levels)?;
            } else {
                view.event(&event)?;
            }
        }
        anyhow::Ok(())
    });
    tokio::select! {
        () = live::run(&front, how, ports) => {}
        result = watched => result??,
    }
    drop(ears);
    if let Some((_, task)) = control {
        task.abort();
    }
    front.close().await;
    Ok(Ending::Well)
}

/// Enter on the terminal talks; `q` and Enter ends the session.
fn keys(presses: mpsc::Sender<Press>) {
    std::thread::spawn(move || {
        for key in std::io::stdin().lock().lines() {
            let Ok(key) = key else { return };
            let press = match key.trim() {
                "q" => Press::End,
                _ => Press::Talk,
            };
            if presses.blocking_send(press).is_err() {
                return;
            }
        }
        // No terminal: the sender is kept, so that the loop goes on.
        std::mem::forget(presses);
    });
}

/// Which devices were there when they were last looked at.
#[derive(Default)]
struct Devices {
    gone: [bool; 2],
    /// How often samples were lost.
    xruns: [u64; 2],
}

impl Devices {
    fn look(
        &mut self,
        view: &View,
        microphone: &crate::audio::live::Health,
        loudspeaker: &crate::audio::live::Health,
    ) -> anyhow::Result<()> {
        for (i, (name, health)) in [("microphone", microphone), ("loudspeaker", loudspeaker)]
            .into_iter()
            .enumerate()
        {
            let gone = !health.is_present();
            if gone != self.gone[i] {
                self.gone[i] = gone;
                let state = if gone { "gone" } else { "back" };
                view.say(
                    &json!({"device": name, "state": state}),
                    &format!("{name}: {state}"),
                )?;
            }
            let xruns = health.xruns();
            if xruns > self.xruns[i] {
                self.xruns[i] = xruns;
                view.say(
                    &json!({"device": name, "xruns": xruns}),
                    &format!(
                        "{name}: samples were lost {xruns} times so far; the machine was late"
                    ),
                )?;
            }
        }
        Ok(())
    }
}

struct View {
    json: bool,
    p: Palette,
}

impl View {
    fn say(&self, value: &serde_json::Value, text: &str) -> std::io::Result<()> {
        if self.json {
            line(format_args!("{value}"))
        } else {
            line(format_args!("{}{text}{:#}", self.p.aside, self.p.aside))
        }
    }

    fn level(&self, level: f32, shown: bool) -> std::io::Result<()> {
        if !shown {
            return Ok(());
        }
        let db = 20.0 * level.max(1e-5).log10();
        self.say(
            &json!({ "level_dbfs": (db * 10.0).round() / 10.0 }),
            &meter(db),
        )
    }

    fn event(&self, event: &Seen) -> anyhow::Result<()> {
        match event {
            Seen::Turn(turn) if self.json => {
                line(format_args!("{}", json!({ "turn": turn })))?;
            }
            Seen::Turn(turn) => line(format_args!("{}", turn_lines(turn)))?,
            Seen::Began(by) => self.say(&json!({ "began": by }), "session begins")?,
            Seen::Ended => self.say(&json!({"ended": true}), "session ends, forgotten")?,
            Seen::Partial(text) => self.say(&json!({ "partial": text }), &format!("... {text}"))?,
            Seen::Ignored(text) => {
                self.say(&json!({ "ignored": text }), &format!("not for us: {text}"))?;
            }
            Seen::GaveWay(true) => self.say(&json!({"gave_way": true}), "gives way")?,
            Seen::GaveWay(false) => self.say(&json!({"gave_way": false}), "goes on")?,
            Seen::FirstAudio(after) => {
                let ms = after.as_millis();
                self.say(
                    &json!({ "first_audio_ms": ms }),
                    &format!("first audio {ms} ms after the end of speech"),
                )?;
            }
            Seen::Problem(what) => {
                self.say(&json!({ "problem": what }), &format!("problem: {what}"))?;
            }
            // For programs: people hear it.
            Seen::Speaking(now) if self.json => {
                line(format_args!("{}", json!({ "speaking": now })))?;
            }
            Seen::Shopper(_) | Seen::Speaking(_) | Seen::Level(_) => {}
        }
        Ok(())
    }
}

/// A bar from -60 to 0 dBFS.
pub(super) fn meter(db: f32) -> String {
    let filled = ((db + 60.0) / 60.0 * 30.0).clamp(0.0, 30.0) as usize;
    format!(
        "{}{} {db:6.1} dBFS",
        "█".repeat(filled),
        "·".repeat(30 - filled)
    )
}
