//! `/u/{token}`: the page behind the unsubscribe link, and RFC 8058 one-click.
//!
//! A GET shows a button and changes nothing, because mail scanners open every link. A POST, from the button or from
//! a mail provider's one-click, takes effect before it is answered.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use rejoin_campaign::unsubscribe as link;
use rejoin_model::SuppressionReason;
use rejoin_model::outbox::OutboxMessage;

use crate::{HttpError, Web, page};

pub(crate) async fn show(
    State(web): State<Web>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let (message, _) = message_of(&web, &token).await?;
    let rules = web.rules();
    let language = page::language(&headers, &rules.language);
    Ok(page::ask(language, &rules.site_name, &masked(message.address.as_deref().unwrap_or_default())))
}

pub(crate) async fn confirm(
    State(web): State<Web>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let (message, campaign) = message_of(&web, &token).await?;
    let (Some(channel), Some(address)) = (message.channel, message.address.as_deref()) else {
        return Err(HttpError::bad_link());
    };
    let now = web.now();
    let proof = format!("unsubscribe link of message {} (campaign {campaign})", message.id);
    web.store
        .withdraw(channel.name(), address, SuppressionReason::Unsubscribed, &proof, now)
        .await
        .map_err(|e| HttpError::unavailable(&e))?;
    let rules = web.rules();
    let language = page::language(&headers, &rules.language);
    Ok(page::unsubscribed(language, &rules.site_name, &masked(address)))
}

async fn message_of(web: &Web, token: &str) -> Result<(OutboxMessage, String), HttpError> {
    let claim = link::verify(token, &web.token_key).ok_or_else(HttpError::bad_link)?;
    let found = web.store.outbox(claim.outbox).await.map_err(|e| HttpError::unavailable(&e))?;
    found.ok_or_else(HttpError::bad_link)
}

/// Enough of the address for its owner to know it, not enough for whoever got hold of the link.
fn masked(address: &str) -> String {
    let keep = |text: &str| text.chars().take(2).collect::<String>();
    match address.split_once('@') {
        Some((local, domain)) => format!("{}…@{domain}", keep(local)),
        None => {
            let digits: Vec<char> = address.chars().collect();
            let tail: String = digits.iter().skip(digits.len().saturating_sub(4)).collect();
            format!("…{tail}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn an_address_is_shown_to_its_owner_only() {
        for (address, shown) in [
            ("alice@example.org", "al…@example.org"),
            ("+8613900001234", "…1234"),
            ("a@b.cn", "a…@b.cn"),
            ("", "…"),
        ] {
            assert_eq!(masked(address), shown);
        }
    }
}
