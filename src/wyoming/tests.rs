//! A service and its clients, over real sockets.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::wyoming::message::code;
use crate::wyoming::server::{ListenError, Listener, Manners};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const SOON: Duration = Duration::from_secs(5);

/// A service that answers pings, fails on `break`, says nothing to anything else and reports
/// when a client has gone.
struct Echo {
    uri: Uri,
    stop: CancellationToken,
    gone: mpsc::UnboundedReceiver<()>,
    serving: JoinHandle<io::Result<()>>,
}

async fn echo(uri: &Uri, max_connections: usize) -> Echo {
    let listener = Listener::bind(uri).await.unwrap();
    let uri = listener.uri().clone();
    let stop = CancellationToken::new();
    let (left, gone) = mpsc::unbounded_channel();
    let manners = Manners {
        max_connections,
        grace: Duration::from_millis(100),
    };
    let serving = tokio::spawn(listener.serve(manners, stop.clone(), move |mut it, _| {
        let left = left.clone();
        async move {
            while let Ok(Some(event)) = it.reader.next().await {
                match event.kind.as_str() {
                    "ping" => {
                        let text = Ping::from_event(&event).unwrap().text;
                        it.writer.write(&Event::new("novelty")).await.unwrap();
                        it.writer.write(&Pong { text }.event()).await.unwrap();
                    }
                    "break" => {
                        let failure = Failure::new(code::ENGINE, "it broke");
                        it.writer.write(&failure.event()).await.unwrap();
                        return;
                    }
                    _ => it.reader.closed().await,
                }
            }
            let _ = left.send(());
        }
    }));
    Echo {
        uri,
        stop,
        gone,
        serving,
    }
}

fn any_port() -> Uri {
    "tcp://127.0.0.1:0".parse().unwrap()
}

fn socket(folder: &Path) -> Uri {
    Uri::Unix(folder.join("echo.sock"))
}

#[tokio::test]
async fn answers_over_tcp_on_a_port_of_its_choice() {
    let echo = echo(&any_port(), 4).await;
    assert!(!echo.uri.to_string().ends_with(":0"));
    ping(&echo.uri, SOON).await.unwrap();
}

#[tokio::test]
async fn a_unix_socket_is_ours_alone_and_goes_with_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let uri = socket(folder.path());
    let echo = echo(&uri, 4).await;
    ping(&uri, SOON).await.unwrap();
    let path = folder.path().join("echo.sock");
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        std::fs::read_dir(&folder).unwrap().count(),
        1,
        "no draft is left"
    );
    echo.stop.cancel();
    echo.serving.await.unwrap().unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn replaces_a_stale_socket_but_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let uri = socket(folder.path());
    let path = folder.path().join("echo.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let echo = echo(&uri, 4).await;
    ping(&uri, SOON).await.unwrap();

    let second = Listener::bind(&uri).await;
    assert!(matches!(second, Err(ListenError::InUse { .. })));
    ping(&uri, SOON).await.unwrap();
    echo.stop.cancel();
    echo.serving.await.unwrap().unwrap();

    std::fs::write(&path, "orders").unwrap();
    let third = Listener::bind(&uri).await.err().unwrap().to_string();
    assert!(third.contains("is not a socket"), "{third}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "orders");
}

#[tokio::test]
async fn a_taken_port_is_told() {
    let echo = echo(&any_port(), 4).await;
    let error = Listener::bind(&echo.uri).await.err().unwrap().to_string();
    assert!(error.contains("in use"), "{error}");
}

#[tokio::test]
async fn closing_the_connection_is_seen_by_the_handler() {
    let mut echo = echo(&any_port(), 4).await;
    let mut client = Client::connect(&echo.uri, SOON).await.unwrap();
    client.send(&Event::new("work")).await.unwrap();
    drop(client);
    tokio::time::timeout(SOON, echo.gone.recv())
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn one_client_too_many_is_told_so_and_the_others_live() {
    let echo = echo(&any_port(), 1).await;
    let mut first = Client::connect(&echo.uri, SOON).await.unwrap();
    first
        .send(
            &Ping {
                text: Some("a".into()),
            }
            .event(),
        )
        .await
        .unwrap();
    first.expect::<Pong>().await.unwrap();
    match ping(&echo.uri, SOON).await.unwrap_err() {
        ClientError::Failed { failure, .. } => assert_eq!(failure.code.unwrap(), code::BUSY),
        other => panic!("{other}"),
    }
    first
        .send(
            &Ping {
                text: Some("b".into()),
            }
            .event(),
        )
        .await
        .unwrap();
    assert_eq!(first.expect::<Pong>().await.unwrap().text.unwrap(), "b");
    drop(first);
    while ping(&echo.uri, SOON).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn tells_its_troubles_apart() {
    let echo = echo(&any_port(), 4).await;
    let nobody = "unix:///nowhere/at/all.sock".parse().unwrap();
    let error = ping(&nobody, SOON).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    let error = ping(&Uri::Stdio, SOON).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");

    let mut client = Client::connect(&echo.uri, Duration::from_millis(30))
        .await
        .unwrap();
    client.send(&Event::new("silence")).await.unwrap();
    let error = client.receive().await.unwrap_err();
    assert!(
        error.to_string().ends_with("did not answer within 30 ms"),
        "{error}"
    );

    let mut client = Client::connect(&echo.uri, SOON).await.unwrap();
    client.send(&Event::new("break")).await.unwrap();
    let error = client.expect::<Pong>().await.unwrap_err();
    assert!(matches!(&error, ClientError::Failed { failure, .. } if failure.text == "it broke"));
    let error = client.receive().await.unwrap_err();
    assert!(matches!(error, ClientError::Closed { .. }), "{error}");
}

#[tokio::test]
async fn a_peer_of_another_protocol_is_told_apart() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("tcp://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let error = ping(&uri, SOON).await.unwrap_err();
    assert!(matches!(error, ClientError::Protocol { .. }), "{error}");
    assert!(error.to_string().contains("SSH-2.0"), "{error}");
}

#[tokio::test]
async fn stops_within_its_grace_though_a_client_stays() {
    let echo = echo(&any_port(), 4).await;
    let mut client = Client::connect(&echo.uri, SOON).await.unwrap();
    client.send(&Event::new("work")).await.unwrap();
    echo.stop.cancel();
    tokio::time::timeout(SOON, echo.serving)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let error = client.receive().await.unwrap_err();
    assert!(matches!(error, ClientError::Closed { .. }), "{error}");
}
