use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::Failure;
use crate::config::Tls;
use crate::endpoint::Endpoint;

/// What encrypts, and whom it believes. The authority is read anew each time: it may be replaced while Keywheel runs.
pub(super) async fn connector(endpoint: &Endpoint) -> Result<TlsConnector, Failure> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::NotBelieved(error.to_string()))?;
    let config = match endpoint.tls {
        Tls::VerifyFull => {
            let roots = match &endpoint.ca_file {
                Some(file) => authority(file).await?,
                None => RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            };
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        Tls::Require | Tls::Disable => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            .with_no_client_auth(),
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The name that the certificate has to be for.
pub(super) fn name(endpoint: &Endpoint) -> Result<ServerName<'static>, Failure> {
    ServerName::try_from(endpoint.host.clone()).map_err(|error| Failure::NotBelieved(error.to_string()))
}

async fn authority(file: &Path) -> Result<RootCertStore, Failure> {
    let unusable = |why: String| Failure::NotBelieved(format!("`ca_file` {}: {why}", file.display()));
    let pem = tokio::fs::read(file)
        .await
        .map_err(|error| unusable(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    match roots.is_empty() {
        true => Err(unusable("there is no certificate in it".to_owned())),
        false => Ok(roots),
    }
}

/// Believes any certificate, as `tls = "require"` asks for; a finding of the preflight says so.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A handshake that failed because of what the server showed, apart from one that was cut off.
pub(super) fn failure(error: io::Error) -> Failure {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(refusal) => Failure::NotBelieved(refusal.to_string()),
        None => Failure::Broken(error),
    }
}
