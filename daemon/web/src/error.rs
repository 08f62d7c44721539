//! What a caller is told when something is refused: a status, a code, one sentence, what to do. Never an inner error.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpError {
    pub status: StatusCode,
    pub code: &'static str,
    pub sentence: String,
    pub retry_after_s: Option<u64>,
}

impl HttpError {
    fn new(status: StatusCode, code: &'static str, sentence: impl Into<String>) -> Self {
        Self { status, code, sentence: sentence.into(), retry_after_s: None }
    }

    pub fn unknown_connector(name: &str) -> Self {
        let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
        Self::new(
            StatusCode::NOT_FOUND,
            "RJ-W404",
            format!("There is no webhook connector named {name:?} here."),
        )
    }

    pub fn too_large(limit: u64) -> Self {
        let sentence =
            format!("The body is larger than the {limit} bytes this site takes; send less at a time.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RJ-W413", sentence)
    }

    pub fn too_many(retry_after_s: u64) -> Self {
        let sentence = format!("Too many requests from this address; try again in {retry_after_s} s.");
        Self {
            retry_after_s: Some(retry_after_s),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "RJ-W429", sentence)
        }
    }

    pub fn bad_signature(why: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "RJ-W401", format!("The request was not taken: {why}."))
    }

    pub fn cut_off() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "RJ-W400", "The body ended before it was complete; send it again.")
    }

    pub fn bad_link() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "RJ-W410",
            "This link is not complete; open it from the message again.",
        )
    }

    /// The store cannot take it now. Nothing was stored, so the caller keeps it and comes back.
    pub fn unavailable(error: &rejoin_store::Error) -> Self {
        tracing::warn!(%error, code = error.code(), "a request was turned away");
        let sentence = "The request could not be stored and was not taken; send it again in a moment.";
        Self { retry_after_s: Some(10), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "RJ-W503", sentence) }
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let body = format!("{} {}\n", self.code, self.sentence);
        let mut response = (self.status, body).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::PAYLOAD_TOO_LARGE {
            // The rest of the body is not read, so the connection cannot be used for another request.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

pub(crate) async fn not_found() -> HttpError {
    HttpError::new(StatusCode::NOT_FOUND, "RJ-W404", "There is nothing at this address.")
}
