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
    /// Look after the catalog, and search it
    Catalog {
        /// Folder of the shop's state
        #[arg(long, default_value = "out/data", global = true)]
        data: std::path::PathBuf,
        #[command(subcommand)]
        verb: comptoir::cli::catalog::Catalog,
    },
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let args = match Cli::parse().verb {
        Verb::Models(args) => args,
        Verb::Catalog { data, verb } => {
            let now = jiff::Timestamp::now();
            let (input, out) = (&mut std::io::stdin().lock(), &mut stdout().lock());
            return match comptoir::cli::catalog::execute(&verb, &data, now, input, out) {
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::from(1),
                Err(error) => {
                    eprintln!("error: {error}");
                    ExitCode::from(2)
                }
            };
        }
    };
    match verbs::run(&args, &mut stdout().lock()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
