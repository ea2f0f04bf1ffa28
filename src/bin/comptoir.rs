//! `comptoir`: the voice shopping assistant's command line.

use std::io::stdout;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use comptoir::models::verbs::{self, ModelsArgs};

#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Models(ModelsArgs),
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let Verb::Models(args) = Cli::parse().verb;
    match verbs::run(&args, &mut stdout().lock()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
