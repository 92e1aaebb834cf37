use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::{Failure, tls};
use crate::config::Tls;
use crate::endpoint::Endpoint;

/// A connection that bytes go through, encrypted or not.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Connects, and encrypts where that is asked for: a server that cannot is an error, never a connection in the clear.
pub(super) async fn open(endpoint: &Endpoint) -> Result<Box<dyn Wire>, Failure> {
    if let Some(socket) = endpoint.socket() {
        return Ok(Box::new(UnixStream::connect(socket).await?));
    }
    let mut stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await?;
    // Messages are written whole, and each waits for an answer.
    stream.set_nodelay(true)?;
    if endpoint.tls == Tls::Disable {
        return Ok(Box::new(stream));
    }
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    stream.write_all(&request).await?;
    // One byte, and nothing after it: what somebody put there in the clear must not be taken for what the server said.
    match stream.read_u8().await? {
        b'S' => {}
        b'N' => {
            return Err(Failure::NotBelieved(
                "it does not speak TLS; set `ssl = on` there".to_owned(),
            ));
        }
        _ => return Err(Failure::NotBelieved("it is no PostgreSQL server".to_owned())),
    }
    let connector = tls::connector(endpoint).await?;
    let encrypted = connector.connect(tls::name(endpoint)?, stream).await;
    Ok(Box::new(encrypted.map_err(tls::failure)?))
}
