//! What staff ask about terminals and their secrets.

use super::{
    Hub,
    query::body,
    staff::{Answer, Done, SHORT},
};
use crate::hub::{check, keys::fresh_salt, refusal::Refusal, store::TerminalRow};
use axum::{
    Json,
    extract::{Path, Request, State},
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How long a rotated secret still holds, unless told; and at most.
const GRACE_S: (u32, u32) = (86_400, 7 * 86_400);

/// Every terminal.
#[derive(Serialize)]
pub(super) struct Terminals {
    items: Vec<TerminalRow>,
}

/// `GET /v1/admin/terminals`.
pub(super) async fn terminals(State(hub): State<Arc<Hub>>, request: Request) -> Answer<Terminals> {
    hub.staff(request, SHORT).await?;
    let items = hub.within(hub.store.terminals()).await?;
    Ok(Json(Terminals { items }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTerminal {
    name: String,
    #[serde(default)]
    webhook_url: Option<String>,
}

/// A terminal's secret; it is shown once.
#[derive(Serialize)]
pub(super) struct Secret {
    name: String,
    secret: String,
}

/// `POST /v1/admin/terminals`.
pub(super) async fn add_terminal(State(hub): State<Arc<Hub>>, request: Request) -> Answer<Secret> {
    let asked = hub.staff(request, SHORT).await?;
    let NewTerminal { name, webhook_url } = body(&asked.body)?;
    let webhook_url = webhook_url.as_deref().map(webhook).transpose()?;
    let salt = fresh_salt();
    let added = hub
        .store
        .add_terminal(&name, &salt, webhook_url.as_deref(), asked.now);
    hub.within(added).await?;
    hub.salts.forget(Some(&name));
    let secret = hub.how.key.terminal_secret(&name, &salt);
    Ok(Json(Secret { name, secret }))
}

/// A webhook's address as it is kept.
fn webhook(text: &str) -> Result<String, Refusal> {
    check::webhook_url(text).map_err(Refusal::Content)
}

/// `POST /v1/admin/terminals/{name}/revoke`.
pub(super) async fn revoke(
    State(hub): State<Arc<Hub>>,
    Path(name): Path<String>,
    request: Request,
) -> Answer<Done> {
    let asked = hub.staff(request, SHORT).await?;
    hub.within(hub.store.revoke_terminal(&name, asked.now))
        .await?;
    hub.salts.forget(Some(&name));
    Ok(Json(Done { changed: true }))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rotate {
    grace_s: Option<u32>,
}

/// `POST /v1/admin/terminals/{name}/rotate`.
pub(super) async fn rotate(
    State(hub): State<Arc<Hub>>,
    Path(name): Path<String>,
    request: Request,
) -> Answer<Secret> {
    let asked = hub.staff(request, SHORT).await?;
    let Rotate { grace_s } = if asked.body.is_empty() {
        Rotate::default()
    } else {
        body(&asked.body)?
    };
    let grace = grace_s.unwrap_or(GRACE_S.0);
    if grace > GRACE_S.1 {
        return Err(Refusal::Content(format!(
            "expected grace_s of at most {}, found {grace}",
            GRACE_S.1
        )));
    }
    let salt = fresh_salt();
    let until = asked.now + SignedDuration::from_secs(i64::from(grace));
    hub.within(hub.store.rotate_terminal(&name, &salt, until))
        .await?;
    hub.salts.forget(Some(&name));
    let secret = hub.how.key.terminal_secret(&name, &salt);
    Ok(Json(Secret { name, secret }))
}
