//! `comptoir hub` on the command line.

use crate::support::{KEY, TOKEN, postgres};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
};

fn hub(url: &str, args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_comptoir"))
        .arg("hub")
        .args(args)
        .current_dir(folder.path())
        .env("XDG_CONFIG_HOME", folder.path())
        .env("COMPTOIR_HUB_DATABASE_URL", url)
        .env("COMPTOIR_HUB_KEY", KEY)
        .env("COMPTOIR_HUB_ADMIN_TOKEN", TOKEN)
        .output()
        .unwrap()
}

#[track_caller]
fn told(output: &Output) -> Value {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out} {err}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_is_set_up_from_the_command_line() {
    let scratch = postgres().await;
    // Over the Unix socket, too.
    let url = scratch.by_socket();
    tokio::task::spawn_blocking(move || {
        let early = hub(&url, &["terminal", "add", "till-1"]);
        let err = String::from_utf8_lossy(&early.stderr);
        assert!(err.contains("comptoir hub migrate"), "{err}");
        assert_eq!(early.status.code(), Some(2));
        assert_eq!(told(&hub(&url, &["status", "--json"]))["schema"], 0);
        assert_eq!(told(&hub(&url, &["migrate", "--json"]))["before"], 0);
        assert_eq!(told(&hub(&url, &["migrate", "--json"]))["before"], 1);
        let added = told(&hub(&url, &["terminal", "add", "till-1", "--json"]));
        assert_eq!(added["secret"].as_str().unwrap().len(), 64);
        let twice = hub(&url, &["terminal", "add", "till-1"]);
        assert!(String::from_utf8_lossy(&twice.stderr).contains("expected a new name"));
        let rotated = told(&hub(&url, &["terminal", "rotate", "till-1", "--json"]));
        assert_ne!(rotated["secret"], added["secret"]);
        let none = hub(&url, &["terminal", "revoke", "till-9"]);
        assert!(String::from_utf8_lossy(&none.stderr).contains("hub terminal list"));
        hub(&url, &["terminal", "revoke", "till-1"]);
        let list = told(&hub(&url, &["terminal", "list", "--json"]));
        assert!(list[0]["revoked_at"].is_string(), "{list}");

        let feed = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/shop/products.fr.tsv");
        let loaded = told(&hub(&url, &["catalog", "load", feed, "--json"]));
        assert_eq!(
            (&loaded["language"], &loaded["kept"]),
            (&"fr".into(), &328.into()),
            "{loaded}"
        );
        let again = told(&hub(&url, &["catalog", "load", feed, "--json"]));
        assert_eq!(
            (&again["changed"], &again["removed"]),
            (&0.into(), &0.into())
        );
        // A feed that lost most of its products takes nothing away, unless told.
        let folder = tempfile::tempdir().unwrap();
        let short = folder.path().join("products.fr.tsv");
        let some: Vec<String> = std::fs::read_to_string(feed)
            .unwrap()
            .lines()
            .take(20)
            .map(str::to_owned)
            .collect();
        std::fs::write(&short, some.join("\n")).unwrap();
        let short = short.to_str().unwrap();
        let refused = hub(&url, &["catalog", "load", short]);
        let err = String::from_utf8_lossy(&refused.stderr);
        assert!(err.contains("30 %") && err.contains("--force"), "{err}");
        let forced = told(&hub(&url, &["catalog", "load", short, "--force", "--json"]));
        assert_eq!(
            (&forced["kept"], &forced["removed"]),
            (&19.into(), &309.into())
        );
        // One that turns to garbage changes nothing.
        let garbage = folder.path().join("garbage.fr.tsv");
        let mut bytes = some.join("\n").into_bytes();
        bytes.extend(b"\nx\xff\xfe\t\t\n");
        std::fs::write(&garbage, bytes).unwrap();
        let broken = hub(
            &url,
            &["catalog", "load", garbage.to_str().unwrap(), "--force"],
        );
        let err = String::from_utf8_lossy(&broken.stderr);
        assert!(err.contains("the catalog is as it was"), "{err}");

        let status = told(&hub(&url, &["status", "--json"]));
        assert_eq!(
            (&status["products"]["fr"], &status["orders"]),
            (&19.into(), &0.into())
        );
        assert_eq!(status["server"]["synchronous_commit"], "on");
        let orders = told(&hub(&url, &["order", "list", "--json"]));
        assert_eq!(orders["items"], serde_json::json!([]));
        let id = "018f7f2e-0000-7000-8000-000000000001";
        let none = hub(&url, &["order", "set-state", id, "accepted"]);
        assert!(String::from_utf8_lossy(&none.stderr).contains("hub order list"));
        assert!(
            !hub(&url, &["order", "set-state", id, "eaten"])
                .status
                .success()
        );
        drop(scratch);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_ends_with_sigterm_and_leaves_well() {
    let scratch = postgres().await;
    tokio::task::spawn_blocking(move || {
        let mut child = Command::new(env!("CARGO_BIN_EXE_comptoir"))
            .args([
                "hub",
                "serve",
                "--migrate",
                "--json",
                "--listen",
                "127.0.0.1:0",
            ])
            .env("COMPTOIR_HUB_DATABASE_URL", scratch.postgres())
            .env("COMPTOIR_HUB_KEY", KEY)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(told["staff"], false);
        let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        drop(scratch);
    })
    .await
    .unwrap();
}

#[test]
fn what_is_missing_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let run = |url: &str| {
        Command::new(env!("CARGO_BIN_EXE_comptoir"))
            .args(["hub", "status"])
            .current_dir(folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .env("COMPTOIR_HUB_DATABASE_URL", url)
            .output()
            .unwrap()
    };
    let output = run("");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("COMPTOIR_HUB_DATABASE_URL"), "{err}");
    assert_eq!(output.status.code(), Some(2));
    // A database that is not there is told, and its password is not.
    let output = run("postgresql://hub:sesame@127.0.0.1:9/hub");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("database") && !err.contains("sesame"), "{err}");
    let output = run("mysql://x:sesame@y");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        err.contains("postgresql://") && !err.contains("sesame"),
        "{err}"
    );
}
