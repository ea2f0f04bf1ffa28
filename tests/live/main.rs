//! `comptoir run` over real sound devices: two null sinks of a PulseAudio server of our own are
//! its microphone and its loudspeaker. Recordings are played into one; what comes out of the
//! other is recorded and transcribed back. Real time, every engine; fails, rather than skips,
//! when PulseAudio or a model is missing.

#![allow(clippy::unwrap_used)]

use comptoir::bench::{
    acoustics::Echo,
    room::{Kiosk, Room, Told},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a change of devices may take.
const CHANGE: Duration = Duration::from_secs(10);
/// How long it may take until something is answered.
const ANSWER: Duration = Duration::from_secs(30);

struct Shop {
    room: Room,
    _folder: tempfile::TempDir,
}

fn shop() -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let room = Room::new(folder.path(), Path::new(env!("CARGO_BIN_EXE_comptoir"))).unwrap();
    Shop {
        room,
        _folder: folder,
    }
}

fn recording(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A recording of the scenarios.
fn scene(name: &str) -> PathBuf {
    recording(&format!("tests/scenarios/audio/{name}.ogg"))
}

fn intents(turn: &serde_json::Value) -> Vec<&str> {
    let commands = turn["commands"].as_array().unwrap();
    commands
        .iter()
        .map(|c| c["intent"].as_str().unwrap())
        .collect()
}

/// A kiosk that has greeted its shopper.
fn greeted(room: &Room) -> Kiosk {
    let mut kiosk = Kiosk::start(room, &["--lang", "en"]).unwrap();
    kiosk.talk().unwrap();
    kiosk.speaks(false).unwrap();
    kiosk
}

#[test]
fn an_order_by_voice() {
    let shop = shop();
    let mut kiosk = Kiosk::start(&shop.room, &["--lang", "en"]).unwrap();
    let heard = shop.room.record().unwrap();
    kiosk.talk().unwrap();
    kiosk.speaks(false).unwrap();
    for (said, intent) in [
        ("assets/demo/en-1.ogg", "search_product"),
        ("assets/demo/en-2.ogg", "product_details"),
        ("assets/demo/en-3.ogg", "add_to_cart"),
        ("assets/demo/en-4.ogg", "checkout"),
        ("assets/demo/en-5.ogg", "affirm"),
        ("assets/demo/en-6.ogg", "track_order"),
    ] {
        shop.room.say(&recording(said)).unwrap();
        let turn = kiosk.turn().unwrap();
        assert_eq!(intents(&turn), [intent], "{said}: {turn}");
        if intent == "affirm" {
            assert_eq!(turn["orders"][0]["state"], "received", "{turn}");
        }
        kiosk.speaks(false).unwrap();
    }
    let heard = heard.transcribe("en").unwrap().to_lowercase();
    for words in ["automatic assistant", "179", "obligation", "or no"] {
        assert!(
            heard.contains(words),
            "expected {words:?} in what the loudspeaker played, found: {heard}"
        );
    }
}

#[test]
fn it_gives_way_to_a_wish_and_goes_on_after_side_talk() {
    let shop = shop();
    // As in a room: the loudspeaker is heard by the microphone too.
    shop.room.feed_back(Echo::ROOM).unwrap();
    let mut kiosk = greeted(&shop.room);
    shop.room.say(&recording("assets/demo/en-1.ogg")).unwrap();
    assert_eq!(intents(&kiosk.turn().unwrap()), ["search_product"]);
    kiosk.speaks(true).unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    // A bystander: it holds, and goes on.
    let football = scene("en-who-won-the-football-game-last-night-espeak");
    shop.room.say(&football).unwrap();
    for gave_way in [true, false] {
        kiosk
            .until(ANSWER, "it to give way and go on", |t| {
                (*t == Told::GaveWay(gave_way)).then_some(())
            })
            .unwrap();
    }
    // The shopper: it stops, and answers.
    std::thread::sleep(Duration::from_millis(1500));
    shop.room.say(&scene("en-what-s-in-my-basket")).unwrap();
    assert_eq!(intents(&kiosk.turn().unwrap()), ["view_cart"]);
}

#[test]
fn it_does_not_answer_itself() {
    let shop = shop();
    // The loudspeaker comes back into the microphone, 80 ms late, at -6 dB.
    shop.room.feed_back(Echo::ROOM).unwrap();
    let mut kiosk = greeted(&shop.room);
    for (said, intent) in [
        (recording("assets/demo/en-1.ogg"), "search_product"),
        (scene("en-what-can-you-do"), "help"),
        (scene("en-what-is-your-returns-policy"), "store_info"),
    ] {
        shop.room.say(&said).unwrap();
        assert_eq!(intents(&kiosk.turn().unwrap()), [intent]);
        kiosk.speaks(true).unwrap();
        // Whatever it says now comes back to it. A turn in it would be its own.
        let own = kiosk
            .until(ANSWER, "the end of speech", |t| match t {
                Told::Turn(turn) => Some(Some(turn.clone())),
                Told::Speaking(false) => Some(None),
                _ => None,
            })
            .unwrap();
        assert_eq!(own, None);
    }
}

#[test]
fn a_microphone_that_goes_and_comes_back() {
    let shop = shop();
    let mut kiosk = greeted(&shop.room);
    let mut device = |state: &str| {
        let told = Told::Device("microphone".into(), state.into());
        kiosk
            .until(CHANGE, &format!("the microphone to be {state}"), |t| {
                (*t == told).then_some(())
            })
            .unwrap();
    };
    shop.room.stop_server();
    device("gone");
    shop.room.start_server().unwrap();
    device("back");
    std::thread::sleep(Duration::from_secs(2));
    shop.room.say(&scene("en-what-can-you-do")).unwrap();
    assert_eq!(intents(&kiosk.turn().unwrap()), ["help"]);
}

#[test]
fn without_a_microphone_it_says_so() {
    let shop = shop();
    shop.room.stop_server();
    let refused = shop.room.run(&["run", "--lang", "en"]).unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("expected a microphone"), "{said}");
}
