//! TLS for the listeners, from files.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

/// Speaks TLS 1.2 and 1.3 with the certificates and the key in these PEM files.
///
/// # Errors
/// If a file can't be read or holds something else, or the key is not the certificate's.
pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("tls_cert: {} can't be read as PEM certificates", certificate.display()))?;
    anyhow::ensure!(!certificates.is_empty(), "tls_cert: {} has no certificate in it", certificate.display());
    let private = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("tls_key: {} can't be read as a PEM private key", key.display()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, private);
    let mut config = config.context("tls_key does not belong to the certificate in tls_cert")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
