//! Where a Wyoming service listens.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest path of a Unix socket, in bytes (`sun_path` of Linux without its NUL).
pub const MAX_SOCKET_PATH: usize = 107;

/// The address of a Wyoming service.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Uri {
    /// `unix://PATH`: a Unix socket.
    Unix(PathBuf),
    /// `tcp://HOST:PORT`. A server may give port 0 and is told which it got.
    Tcp {
        /// A name or an IP address, without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// `stdio://`: standard input and output of the worker.
    Stdio,
}

/// A text that is not the address of a Wyoming service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?} is not the address of a Wyoming service: {reason}; \
     write unix:///run/comptoir/stt.sock, tcp://127.0.0.1:10300 or stdio://"
)]
pub struct UriError {
    found: String,
    reason: String,
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let error = |reason: &str| UriError {
            found: text.into(),
            reason: reason.into(),
        };
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| error("it has no unix://, tcp:// or stdio://"))?;
        match scheme {
            "unix" if rest.is_empty() => Err(error("the path is missing")),
            "unix" if rest.len() > MAX_SOCKET_PATH => Err(error(&format!(
                "the path is {} bytes long, a Unix socket can have {MAX_SOCKET_PATH}",
                rest.len()
            ))),
            "unix" if rest.contains('\0') => Err(error("the path contains a NUL")),
            "unix" => Ok(Uri::Unix(rest.into())),
            "tcp" => {
                let rest = rest.strip_suffix('/').unwrap_or(rest);
                let (host, port) = rest
                    .rsplit_once(':')
                    .filter(|(host, _)| !host.contains(':') || host.ends_with(']'))
                    .ok_or_else(|| error("the port is missing"))?;
                let host = host
                    .strip_prefix('[')
                    .and_then(|h| h.strip_suffix(']'))
                    .unwrap_or(host);
                if host.is_empty() || host.contains(['/', '@', '[', ']']) {
                    return Err(error("the host is missing or malformed"));
                }
                let port = port
                    .parse()
                    .map_err(|_| error("the port is not a number from 0 to 65535"))?;
                Ok(Uri::Tcp {
                    host: host.into(),
                    port,
                })
            }
            "stdio" if rest.is_empty() => Ok(Uri::Stdio),
            "stdio" => Err(error("nothing may follow stdio://")),
            _ => Err(error(&format!("the scheme {scheme:?} is not known"))),
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Uri::Unix(path) => write!(f, "unix://{}", path.display()),
            Uri::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Uri::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Uri::Stdio => f.write_str("stdio://"),
        }
    }
}

impl TryFrom<String> for Uri {
    type Error = UriError;

    fn try_from(text: String) -> Result<Self, UriError> {
        text.parse()
    }
}

impl From<Uri> for String {
    fn from(uri: Uri) -> String {
        uri.to_string()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_the_three_kinds() {
        for text in [
            "unix:///run/user/1000/comptoir/stt.sock",
            "unix://stt.sock",
            "tcp://127.0.0.1:10300",
            "tcp://gpu-box:0",
            "tcp://[::1]:10300",
            "stdio://",
        ] {
            assert_eq!(text.parse::<Uri>().unwrap().to_string(), text);
        }
        let six = Uri::Tcp {
            host: "::1".into(),
            port: 10300,
        };
        assert_eq!("tcp://[::1]:10300".parse(), Ok(six));
        assert_eq!(
            "tcp://pi:1/".parse(),
            Ok(Uri::Tcp {
                host: "pi".into(),
                port: 1
            })
        );
    }

    #[test]
    fn says_what_is_wrong_and_shows_what_is_right() {
        let long = format!("unix:///{}", "x".repeat(200));
        for (text, reason) in [
            ("/run/stt.sock", "has no unix://"),
            ("unix://", "path is missing"),
            (long.as_str(), "201 bytes long"),
            ("tcp://localhost", "port is missing"),
            ("tcp://::1", "port is missing"),
            ("tcp://:10300", "host is missing"),
            ("tcp://localhost:http", "not a number"),
            ("tcp://localhost:70000", "not a number"),
            ("http://localhost:1", "\"http\" is not known"),
            ("stdio://x", "nothing may follow"),
        ] {
            let error = text.parse::<Uri>().unwrap_err().to_string();
            assert!(error.contains(reason), "{error:?} lacks {reason:?}");
            assert!(
                error.contains("tcp://127.0.0.1:10300"),
                "{error:?} shows no example"
            );
        }
    }

    #[test]
    fn stands_in_settings_as_text() {
        let uri: Uri = serde_json::from_str("\"tcp://a:1\"").unwrap();
        assert_eq!(serde_json::to_string(&uri).unwrap(), "\"tcp://a:1\"");
        assert!(serde_json::from_str::<Uri>("\"a:1\"").is_err());
    }
}
