//! `comptoir`: the voice shopping assistant's command line.

use clap::Parser;
use comptoir::cli::{
    self, Ending,
    args::{Cli, Color},
};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// It could not be begun: usage, settings, a missing model.
const CANNOT_BEGIN: u8 = 2;

fn main() -> ExitCode {
    let args = Cli::parse();
    match args.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    cli::log(args.global.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => {
            anstream::eprintln!("error: expected threads for the program, found: {e}");
            return ExitCode::from(CANNOT_BEGIN);
        }
    };
    // Who drains hears the signals itself.
    let drains = args.verb.drains();
    let code = runtime.block_on(async {
        tokio::select! {
            ended = cli::run(args) => match ended {
                Ok(ending) => ending.code(),
                Err(e) if is_broken_pipe(&e) => Ending::Well.code(),
                Err(e) => {
                    anstream::eprintln!("error: {e:#}");
                    CANNOT_BEGIN
                }
            },
            code = interrupted(), if !drains => code,
        }
    });
    // Threads that wait for a terminal or a disk do not hold the program up.
    runtime.shutdown_timeout(std::time::Duration::from_millis(1800));
    ExitCode::from(code)
}

/// The reader of our output has gone (`comptoir ... | head`): nothing is wrong.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|e| e.downcast_ref::<std::io::Error>())
        .any(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Waits for Ctrl-C or SIGTERM; the exit code is 128 and the signal's number.
async fn interrupted() -> u8 {
    let (int, term) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    match (int, term) {
        (Ok(mut int), Ok(mut term)) => tokio::select! {
            _ = int.recv() => 130,
            _ = term.recv() => 143,
        },
        _ => std::future::pending().await,
    }
}
