//! TLS: the certificates that are trusted.

use std::path::Path;

use fred::rustls::pki_types::CertificateDer;
use fred::rustls::pki_types::pem::PemObject;
use fred::rustls::{ClientConfig, RootCertStore};
use fred::types::config::{TlsConfig as Connector, TlsConnector};
use keywheel_domain::ports::ErrorKind;

use crate::config::TlsConfig;
use crate::error::Failure;

/// A connector that verifies certificates. The file is read each time: it may be renewed while Keywheel runs.
pub(crate) async fn connector(config: &TlsConfig) -> Result<Connector, Failure> {
    let Some(file) = &config.ca_file else {
        let system = TlsConnector::default_rustls().map_err(|error| {
            let why = format!(
                "the system's certificates cannot be used: {}; name a `ca_file`",
                error.details()
            );
            Failure::Unequipped(ErrorKind::Invalid, why)
        })?;
        return Ok(system.into());
    };
    let roots = roots(file).await?;
    let rustls = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(rustls).into())
}

async fn roots(file: &Path) -> Result<RootCertStore, Failure> {
    let unusable =
        |why: String| Failure::Unequipped(ErrorKind::Invalid, format!("`ca_file` {}: {why}", file.display()));
    let pem = tokio::fs::read(file)
        .await
        .map_err(|error| unusable(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unusable(format!("it is no PEM file: {error:?}")))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    match roots.is_empty() {
        true => Err(unusable("there is no certificate in it".to_owned())),
        false => Ok(roots),
    }
}
