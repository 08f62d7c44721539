//! AUTH (RFC 4954) with PLAIN or LOGIN, whichever the server offers.

use base64::{Engine, engine::general_purpose::STANDARD};
use rejoin_plugin_api::Error;

use super::{reply::Reply, session::Session};

pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Login {
    /// The connection rules of [`crate::net`] have made sure that nobody on the way can read this.
    pub(crate) async fn perform(&self, session: &mut Session) -> Result<(), Error> {
        let offers = |mechanism: &str| session.features().auth.iter().any(|m| m == mechanism);
        let reply = if offers("PLAIN") {
            let secret = STANDARD.encode(format!("\0{}\0{}", self.user, self.password));
            session.ask(&format!("AUTH PLAIN {secret}\r\n")).await?
        } else if offers("LOGIN") {
            self.login(session).await?
        } else if session.features().auth.is_empty() {
            return Err(Error::config("the mail server offers no login (AUTH) on this connection")
                .with_hint(
                    "most do so only after TLS: set tls = \"starttls\" or \"wrapper\"; or remove `user`",
                ));
        } else {
            let offered = session.features().auth.join(", ");
            return Err(Error::config(format!(
                "the mail server logs in only by {offered}; we know PLAIN and LOGIN"
            )));
        };
        match reply.class() {
            2 => Ok(()),
            // 454 is the server's own trouble, not a wrong password.
            4 => {
                Err(Error::transient(format!("the mail server cannot check the login now: {}", reply.text())))
            }
            _ => Err(Error::auth(format!(
                "the mail server refuses the login of {}: {}",
                self.user,
                reply.text()
            ))
            .with_hint("check `user` and `password`; some providers want an app password")),
        }
    }

    async fn login(&self, session: &mut Session) -> Result<Reply, Error> {
        let mut reply = session.ask("AUTH LOGIN\r\n").await?;
        for answer in [&self.user, &self.password] {
            if reply.code != 334 {
                break;
            }
            reply = session.ask(&format!("{}\r\n", STANDARD.encode(answer))).await?;
        }
        Ok(reply)
    }
}
