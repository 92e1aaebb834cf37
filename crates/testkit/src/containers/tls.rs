//! Certificates for servers in containers.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

/// A server's certificate, and the private authority that only this test knows.
#[derive(Debug)]
pub(super) struct Tls {
    /// The authority's certificate, which clients trust, in PEM.
    pub(super) authority: String,
    /// The server's, for `localhost` and 127.0.0.1.
    pub(super) certificate: String,
    /// The server's key.
    pub(super) key: String,
}

impl Tls {
    /// Makes both.
    pub(super) fn new() -> Self {
        Self::make().expect("what is asked for is a valid certificate")
    }

    fn make() -> Result<Self, rcgen::Error> {
        let mut authority = CertificateParams::new([])?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let name = &mut authority.distinguished_name;
        name.push(DnType::CommonName, "an authority for tests");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let mut server = CertificateParams::new([String::from("localhost"), String::from("127.0.0.1")])?;
        server.distinguished_name.push(DnType::CommonName, "a server for tests");
        let certificate = server.signed_by(&key, &authority)?;
        Ok(Self {
            authority: authority.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// How the start scripts get it.
    pub(super) fn environment(&self) -> [(&'static str, String); 2] {
        [
            ("CERTIFICATE", self.certificate.clone()),
            ("PRIVATE_KEY", self.key.clone()),
        ]
    }
}
