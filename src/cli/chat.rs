//! `comptoir chat`: the same conversation in writing.

use super::{
    Ending,
    args::{Chat, Global},
    hear::print_turn,
    output::{Palette, line, text},
};
use crate::{
    daemon::{Needs, shopfront::Shopfront},
    eval::report,
};
use std::io::{BufRead, IsTerminal};
use tokio::sync::mpsc;

/// The longest line that is read, in bytes; what is beyond is left out.
const LONGEST_LINE: usize = 200_000;

/// Runs the verb.
///
/// # Errors
/// When it cannot be begun: settings, shop, engines.
pub async fn run(args: &Chat, global: &Global) -> anyhow::Result<Ending> {
    let settings = super::settings(global)?;
    let needs = Needs {
        llm: true,
        ..Needs::default()
    };
    let front = Shopfront::open_for_customers(settings, args.shop.as_deref(), needs).await?;
    let mut session = front.chatting(args.lang);
    let prompt = std::io::stdin().is_terminal() && !args.json;
    let p = Palette::default();
    let say = |reply: &str| {
        if args.json || reply.is_empty() {
            return Ok(());
        }
        line(format_args!("{}{reply}{:#}", p.reply, p.reply))
    };
    say(&session.begin().await.turn.reply)?;
    let mut lines = lines_of_stdin();
    let mut turns = Vec::new();
    let mut ending = Ending::Well;
    loop {
        if prompt {
            text(format_args!("{}>{:#} ", p.shopper, p.shopper))?;
        }
        let Some(said) = lines.recv().await else {
            break;
        };
        if said.trim().is_empty() {
            continue;
        }
        let turn = session.read(&said).await.turn;
        if args.json {
            print_turn(&turn, true)?;
        } else {
            say(&turn.reply)?;
            for problem in &turn.problems {
                anstream::eprintln!("{}{problem}{:#}", p.problem, p.problem);
            }
        }
        if !turn.problems.is_empty() {
            ending = Ending::SomethingFailed;
        }
        let ended = turn.ended;
        turns.push(turn);
        if ended {
            break;
        }
    }
    if let Some(folder) = &args.save_scenario {
        report::save(folder, &turns)?;
        anstream::eprintln!("saved as {}", folder.join("scenario.toml").display());
    }
    front.close().await;
    Ok(ending)
}

/// Reading a terminal blocks, so it has a thread of its own; it ends with the program.
fn lines_of_stdin() -> mpsc::Receiver<String> {
    let (tx, rx) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        let mut line = Vec::new();
        loop {
            line.clear();
            match stdin.read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    line.truncate(LONGEST_LINE);
                    if tx
                        .blocking_send(String::from_utf8_lossy(&line).into_owned())
                        .is_err()
                    {
                        return;
                    }
                }
            }
        }
    });
    rx
}
