//! What stands between and takes the settings of a session for its own.

use keywheel_domain::ports::ErrorKind;
use keywheel_postgres::Database;
use keywheel_testkit::containers::Postgres;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::{Place, config, password};

/// Hands one connection on, without the `options` that the client says first.
async fn pool_one(listener: TcpListener, server: u16) {
    let (mut client, _) = listener.accept().await.unwrap();
    let length = client.read_u32().await.unwrap() as usize;
    let mut said = vec![0; length - 4];
    client.read_exact(&mut said).await.unwrap();
    let (version, words) = said.split_at(4);
    let mut kept = version.to_vec();
    // Names and values end with a zero each, and all of them with one more.
    let words: Vec<_> = words.split(|byte| *byte == 0).collect();
    for word in words
        .chunks_exact(2)
        .filter(|word| word[0] != b"options" && !word[0].is_empty())
    {
        kept.extend([word[0], &[0], word[1], &[0]].concat());
    }
    kept.push(0);
    let mut upstream = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    upstream.write_u32(kept.len() as u32 + 4).await.unwrap();
    upstream.write_all(&kept).await.unwrap();
    // How it ends does not matter.
    let _ = copy_bidirectional(&mut client, &mut upstream).await;
}

#[tokio::test]
async fn a_pooler_that_drops_the_settings_is_found_out() {
    let place = Place::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = config(listener.local_addr().unwrap().port(), "journal");
    let pooler = tokio::spawn(pool_one(listener, place.server.port()));
    let error = Database::open(&config, Some(password(Postgres::PASSWORD)))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported, "{}", error.chain());
    assert!(error.message().contains("name the server itself"), "{error}");
    pooler.await.unwrap();
}
