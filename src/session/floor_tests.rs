use super::*;

const FINISHED: Sense = Sense {
    finished: true,
    for_us: true,
};

fn segment(start_ms: u64, end_ms: u64) -> Segment {
    Segment {
        start_ms,
        end_ms,
        speech_ms: end_ms - start_ms,
    }
}

fn began(start_ms: u64) -> Sign {
    Sign::Edge(Edge::Began { start_ms })
}

fn paused(start_ms: u64, end_ms: u64) -> Sign {
    Sign::Edge(Edge::Paused(segment(start_ms, end_ms)))
}

/// A conversation: signs at times, and what the floor says to each.
fn play(signs: &[(u64, Sign)]) -> Vec<(u64, Act)> {
    let mut floor = Floor::new(FloorSettings {
        post_roll_ms: 0,
        ..FloorSettings::default()
    });
    let mut acts = Vec::new();
    for &(at, sign) in signs {
        acts.extend(floor.step(at, sign).into_iter().map(|act| (at, act)));
    }
    acts
}

const VOICED: Sign = Sign::Frame { voiced: true };
const QUIET: Sign = Sign::Frame { voiced: false };
const ONE: ReadingId = ReadingId(1);
const TWO: ReadingId = ReadingId(2);

#[test]
fn a_finished_sentence_is_taken_when_it_is_read_and_silence_was_long_enough() {
    let read = (1200, Act::Read(ONE, segment(0, 1000)));
    // The reading comes late: it is taken at once.
    assert_eq!(
        play(&[
            (60, began(0)),
            (1200, paused(0, 1000)),
            (1500, QUIET),
            (1800, Sign::Read(ONE, FINISHED)),
        ]),
        [read, (1800, Act::Take(ONE))]
    );
    // The reading comes early: it waits for the silence.
    assert_eq!(
        play(&[
            (60, began(0)),
            (1200, paused(0, 1000)),
            (1300, Sign::Read(ONE, FINISHED)),
            (1400, QUIET),
            (1450, QUIET),
        ]),
        [read, (1450, Act::Take(ONE))]
    );
}

#[test]
fn an_unfinished_sentence_gets_time_and_goes_on_as_one() {
    let unfinished = Sense {
        finished: false,
        for_us: true,
    };
    assert_eq!(
        play(&[
            (60, began(0)),
            (1200, paused(0, 1000)),
            (1700, Sign::Read(ONE, unfinished)),
            (1900, QUIET),
            (2000, Sign::Edge(Edge::Resumed)),
            (3200, paused(0, 3000)),
            (3500, Sign::Read(TWO, FINISHED)),
        ]),
        [
            (1200, Act::Read(ONE, segment(0, 1000))),
            (2000, Act::Forget(ONE)),
            (3200, Act::Read(TWO, segment(0, 3000))),
            (3500, Act::Take(TWO)),
        ]
    );
    // Nothing more comes: after a longer silence it is taken as it is.
    let acts = play(&[
        (60, began(0)),
        (1200, paused(0, 1000)),
        (1700, Sign::Read(ONE, unfinished)),
        (2200, QUIET),
        (2300, QUIET),
    ]);
    assert_eq!(acts.last(), Some(&(2300, Act::Take(ONE))));
}

#[test]
fn the_kiosk_gives_way_and_answers_what_was_meant_for_it() {
    assert_eq!(
        play(&[
            (0, Sign::SpeechBegan),
            (560, began(500)),
            // Voiced for 192 ms more, with a gap.
            (576, VOICED),
            (592, VOICED),
            (608, QUIET),
            (624, VOICED),
            (640, VOICED),
            (656, VOICED),
            (672, VOICED),
            (688, VOICED),
            (704, VOICED),
            (720, VOICED),
            (736, VOICED),
            (752, VOICED),
            (768, VOICED),
            (2200, paused(500, 2000)),
            (2700, Sign::Read(ONE, FINISHED)),
        ]),
        [
            (560, Act::Duck),
            (768, Act::Pause),
            (2200, Act::Read(ONE, segment(500, 2000))),
            (2700, Act::Stop),
            (2700, Act::Take(ONE)),
        ]
    );
}

#[test]
fn the_kiosk_goes_on_when_it_was_not_meant() {
    let bystander = Sense {
        finished: true,
        for_us: false,
    };
    let mut signs = vec![(0, Sign::SpeechBegan), (560, began(500))];
    signs.extend((1..20).map(|frame| (560 + frame * 16, VOICED)));
    signs.push((2200, paused(500, 2000)));
    signs.push((2700, Sign::Read(ONE, bystander)));
    assert_eq!(
        play(&signs)[3..],
        [(2700, Act::Ignore(ONE)), (2700, Act::Resume)]
    );
    // A cough never silences it, however long the silence after it takes to be told.
    assert_eq!(
        play(&[
            (0, Sign::SpeechBegan),
            (560, began(500)),
            (576, VOICED),
            (592, QUIET),
            (690, QUIET),
            (700, Sign::Edge(Edge::Dropped)),
        ]),
        [(560, Act::Duck), (700, Act::Unduck)]
    );
}

#[test]
fn a_reading_that_takes_long_is_excused_once() {
    let acts = play(&[
        (60, began(0)),
        (1200, paused(0, 1000)),
        (2200, QUIET),
        (2300, QUIET),
        (4000, Sign::Read(ONE, FINISHED)),
    ]);
    assert_eq!(acts[1..], [(2200, Act::OneMoment), (4000, Act::Take(ONE))]);
}

#[test]
fn a_reading_that_is_not_wanted_any_more_decides_nothing() {
    let acts = play(&[
        (60, began(0)),
        (1200, paused(0, 1000)),
        (1300, Sign::Edge(Edge::Resumed)),
        (1800, Sign::Read(ONE, FINISHED)),
        (1900, QUIET),
    ]);
    assert_eq!(acts.last(), Some(&(1300, Act::Forget(ONE))));
}

#[test]
fn talk_without_end_is_read_in_pieces() {
    let side_talk = Sense {
        finished: true,
        for_us: false,
    };
    assert_eq!(
        play(&[
            (60, began(0)),
            (30_000, Sign::Edge(Edge::Ended(segment(0, 30_000)))),
            (31_000, Sign::Read(ONE, side_talk)),
            (60_000, Sign::Edge(Edge::Ended(segment(30_000, 60_000)))),
        ]),
        [
            (30_000, Act::Read(ONE, segment(0, 30_000))),
            (31_000, Act::Ignore(ONE)),
            (60_000, Act::Read(TWO, segment(30_000, 60_000))),
        ]
    );
}

#[test]
fn what_follows_before_it_was_read_is_heard_with_it() {
    assert_eq!(
        play(&[
            (60, began(0)),
            (1200, paused(0, 1000)),
            (3000, Sign::Edge(Edge::Ended(segment(0, 1000)))),
            (3600, began(3400)),
            (5200, paused(3400, 5000)),
        ]),
        [
            (1200, Act::Read(ONE, segment(0, 1000))),
            (3000, Act::OneMoment),
            (5200, Act::Forget(ONE)),
            (
                5200,
                Act::Read(
                    TWO,
                    Segment {
                        start_ms: 0,
                        end_ms: 5000,
                        speech_ms: 2600,
                    }
                )
            ),
        ]
    );
}

#[test]
fn a_click_does_not_take_a_reading_away() {
    assert_eq!(
        play(&[
            (60, began(0)),
            (1200, paused(0, 1000)),
            (3000, Sign::Edge(Edge::Ended(segment(0, 1000)))),
            (3600, began(3550)),
            (3900, Sign::Edge(Edge::Dropped)),
            (4000, Sign::Read(ONE, FINISHED)),
        ])[1..],
        [(3000, Act::OneMoment), (4000, Act::Take(ONE))]
    );
}

#[test]
fn a_shopper_who_begins_as_it_ends_does_not_leave_it_quiet() {
    // The voice itself comes back when it has spoken; the floor only knows that it is silent.
    assert_eq!(
        play(&[
            (0, Sign::SpeechBegan),
            (560, began(500)),
            (700, Sign::SpeechEnded),
            (2200, paused(500, 2000)),
            (2700, Sign::Read(ONE, FINISHED)),
            (2900, Sign::SpeechBegan),
        ]),
        [
            (560, Act::Duck),
            (2200, Act::Read(ONE, segment(500, 2000))),
            (2700, Act::Take(ONE)),
        ]
    );
}

#[test]
fn the_kiosk_insists_where_it_gave_way_for_nothing() {
    let bystander = Sense {
        finished: true,
        for_us: false,
    };
    // Somebody, or its own echo, again and again.
    let mut signs = vec![(0, Sign::SpeechBegan)];
    for n in 0..4 {
        let at = 1000 + n * 3000;
        signs.push((at, began(at)));
        signs.extend((1..20).map(|frame| (at + frame * 16, VOICED)));
        signs.push((at + 1200, paused(at, at + 1000)));
        signs.push((at + 1700, Sign::Read(ReadingId(n + 1), bystander)));
    }
    // And then a wish.
    signs.push((14_000, began(14_000)));
    signs.push((15_200, paused(14_000, 15_000)));
    signs.push((15_700, Sign::Read(ReadingId(5), FINISHED)));
    let acts = play(&signs);
    let count = |wanted: Act| acts.iter().filter(|(_, act)| *act == wanted).count();
    assert_eq!(count(Act::Pause), 1, "{acts:?}");
    assert_eq!(count(Act::Duck), 2, "{acts:?}");
    assert_eq!(
        acts[acts.len() - 2..],
        [(15_700, Act::Stop), (15_700, Act::Take(ReadingId(5)))]
    );
}
