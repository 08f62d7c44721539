//! Connections: TCP without Nagle's delay, TLS by rustls, and the rule that plain text leaves this machine only when
//! the configuration says so. Knows no mail protocol.

use std::{
    cell::OnceCell,
    fs, io,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rejoin_plugin_api::Error;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::config::{Endpoint, Tls};

#[derive(Debug)]
pub(crate) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

/// Makes connections to one endpoint. The TLS configuration is read once, so that later connections resume sessions.
pub(crate) struct Dialer {
    pub(crate) endpoint: Endpoint,
    tls: OnceCell<Arc<ClientConfig>>,
}

impl Dialer {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, tls: OnceCell::new() }
    }

    /// Connects, with TLS at once when the endpoint wants the wrapper.
    pub(crate) async fn connect(&self) -> Result<Wire, Error> {
        let stream = dial(&self.endpoint).await?;
        match self.endpoint.tls {
            Tls::Wrapper => self.secure(Wire::Plain(stream)).await,
            Tls::Starttls | Tls::None => Ok(Wire::Plain(stream)),
        }
    }

    /// Speaks TLS from here on. The caller has made sure that nothing read earlier is left over.
    pub(crate) async fn secure(&self, wire: Wire) -> Result<Wire, Error> {
        let Wire::Plain(stream) = wire else { return Ok(wire) };
        let Endpoint { host, timeout: wait, .. } = &self.endpoint;
        let name = ServerName::try_from(host.clone())
            .map_err(|_| Error::config(format!("{host} is neither a host name nor an IP address")))?;
        let stream = timeout(*wait, TlsConnector::from(self.client_config()?).connect(name, stream))
            .await
            .map_err(|_| Error::transient(format!("{host} did not finish its TLS handshake in time")))?
            .map_err(|e| tls_error(host, &e))?;
        Ok(Wire::Tls(Box::new(stream)))
    }

    fn client_config(&self) -> Result<Arc<ClientConfig>, Error> {
        if let Some(config) = self.tls.get() {
            return Ok(config.clone());
        }
        let config = client_config(self.endpoint.ca.as_deref())?;
        Ok(self.tls.get_or_init(|| config).clone())
    }
}

async fn dial(endpoint: &Endpoint) -> Result<TcpStream, Error> {
    let Endpoint { host, port, timeout: wait, .. } = endpoint;
    let stream = timeout(*wait, TcpStream::connect((host.as_str(), *port)))
        .await
        .map_err(|_| Error::transient(format!("{host}:{port} did not answer within {} s", wait.as_secs())))?
        .map_err(|e| Error::transient(format!("cannot connect to {host}:{port}: {e}")))?;
    // Without this every message waits for the peer's delayed acknowledgement, about 40 ms.
    stream.set_nodelay(true).map_err(|e| Error::transient(format!("{host}:{port}: {e}")))?;
    if endpoint.tls == Tls::None && !endpoint.allow_plain {
        let peer = stream.peer_addr().map_err(|e| Error::transient(format!("{host}:{port}: {e}")))?;
        if !peer.ip().is_loopback() {
            return Err(Error::config(format!("{host}:{port} is another machine and tls is \"none\""))
                .with_hint("use tls = \"starttls\" or \"wrapper\"; allow_plain = true sends mail and passwords readable"));
        }
    }
    Ok(stream)
}

fn client_config(ca: Option<&Path>) -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let unreadable =
                |e: &dyn std::fmt::Display| Error::config(format!("ca file {}: {e}", path.display()));
            let pem = fs::read(path).map_err(|e| unreadable(&e))?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|e| unreadable(&e))?;
                roots.add(certificate).map_err(|e| unreadable(&e))?;
            }
            if roots.is_empty() {
                return Err(unreadable(&"it holds no certificate"));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::permanent(format!("TLS cannot be set up: {e}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// A certificate that is not trusted stays untrusted however often one tries; a broken handshake may be a hiccup.
fn tls_error(host: &str, e: &io::Error) -> Error {
    let cause = e.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(why)) => Error::config(format!(
            "the certificate of {host} is not trusted: {why:?}"
        ))
        .with_hint(
            "for a private authority name its PEM file in `ca`; the host must be a name in the certificate",
        ),
        _ => Error::transient(format!("TLS with {host} failed: {e}")),
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_read(cx, buf),
            Self::Tls(s) => Pin::new(s).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_write(cx, buf),
            Self::Tls(s) => Pin::new(s).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_flush(cx),
            Self::Tls(s) => Pin::new(s).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_shutdown(cx),
            Self::Tls(s) => Pin::new(s).poll_shutdown(cx),
        }
    }
}
