//! The server and its users.

use std::sync::Arc;

use keywheel_domain::ports::Clock;
use keywheel_redis::{Fleets, RedisConfig, RedisIssuer};
use keywheel_testkit::containers::Redis;
use keywheel_tests::crowd::Member;
use keywheel_tests::live::postgres::MadeUp;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ROTATOR: &str = "keywheel";
const ROTATOR_PASSWORD: &str = "the-password-of-the-hand-that-rotates";
/// Users that are made in one pipeline.
const TOGETHER: usize = 500;

/// One Redis server with users of applications and one of Keywheel's.
#[derive(Debug)]
pub(crate) struct Server {
    server: Redis,
    members: Vec<Member>,
}

impl Server {
    pub(crate) async fn start(users: usize) -> Self {
        let server = Redis::start().await;
        let member = |number: usize| Member {
            credential: format!("app/{number}").parse().expect("it is a path of plain words"),
            username: format!("app_{number}"),
            password: format!("the-first-password-of-{number}"),
        };
        let server = Self {
            members: (0..users).map(member).collect(),
            server,
        };
        let mut pipeline = server.pipeline().await;
        let rotator = format!("ACL SETUSER {ROTATOR} on >{ROTATOR_PASSWORD} ~* &* +@all");
        pipeline.run(&[rotator]).await;
        for members in server.members.chunks(TOGETHER) {
            let make = |member: &Member| {
                format!(
                    "ACL SETUSER {} on >{} ~app:* +@read +ping",
                    member.username, member.password
                )
            };
            pipeline.run(&members.iter().map(make).collect::<Vec<_>>()).await;
        }
        server
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// An issuer for each user, as the command line wires them: they share their connections and saves.
    pub(crate) fn issuers(&self, clock: &Arc<dyn Clock>) -> Vec<RedisIssuer> {
        let fleets = Fleets::default();
        let issuer = |member: &Member| {
            let config: RedisConfig = serde_json::from_value(json!({
                "user": member.username,
                "nodes": [format!("127.0.0.1:{}", self.server.port())],
                "admin_user": ROTATOR,
            }))
            .expect("the configuration is right");
            let password = Some(MadeUp::source(ROTATOR_PASSWORD));
            RedisIssuer::new(config, password, clock, &fleets).expect("the configuration is right")
        };
        self.members.iter().map(issuer).collect()
    }

    /// A connection of the user `default`, who may do everything.
    pub(crate) async fn pipeline(&self) -> Pipeline {
        let stream = TcpStream::connect((self.server.host(), self.server.port())).await;
        Pipeline(stream.expect("the server is there"))
    }
}

/// Commands that are sent together.
#[derive(Debug)]
pub(crate) struct Pipeline(TcpStream);

impl Pipeline {
    /// Sends all of them, and waits until each is answered by OK.
    pub(crate) async fn run(&mut self, commands: &[String]) {
        let mut text = commands.join("\r\n");
        text.push_str("\r\n");
        let (mut reading, mut writing) = self.0.split();
        let mut answers = vec![0; commands.len() * "+OK\r\n".len()];
        // The server stops reading where nobody takes its answers.
        let (written, read) = tokio::join!(writing.write_all(text.as_bytes()), reading.read_exact(&mut answers));
        written.and(read.map(drop)).expect("the server is there");
        let all = "+OK\r\n".repeat(commands.len());
        assert!(answers == all.as_bytes(), "{}", String::from_utf8_lossy(&answers));
    }
}
