//! Who still uses a version.
//!
//! Twins are told apart by their names. Both passwords of one user look alike in a list of connections, so one that was opened before
//! the switch counts as opened with the old password. Redis keeps whole seconds: a connection that was opened in the very second of
//! the switch counts as old.

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::ports::{PortError, Usage};

use crate::clients::{Client, Role};
use crate::config::Strategy;
use crate::issuer::Rotated;
use crate::material::Credential;
use crate::node::{Connected, Node};

/// How many connections are named.
const NAMED: usize = 20;

/// When a connection was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    Before,
    /// In the same second.
    Around,
    After,
}

/// When a connection was opened, seen from `switched` on our clock. The server's clock is another one: the two are compared by what
/// ours showed before and after the server's answer.
pub(crate) fn opened(
    client: &Client,
    connected: &Connected,
    switched: Timestamp,
    ours: (Timestamp, Timestamp),
) -> Opened {
    let (asked, answered) = ours;
    // The server read its clock somewhere between the two, so the switch was at one of these seconds of its clock.
    let ahead = |reading: Timestamp| connected.at.duration_since(reading);
    let second = |time: Timestamp, by: SignedDuration| (time + by).as_second();
    let (earliest, latest) = (second(switched, ahead(answered)), second(switched, ahead(asked)));
    // It was opened in this second or, where the clock ticked between its two readings, in the next one.
    let opened = connected.at.as_second() - client.age;
    if opened > latest {
        Opened::After
    } else if opened + 1 < earliest {
        Opened::Before
    } else {
        Opened::Around
    }
}

/// Looks at the connections of every node.
pub(crate) async fn look(rotated: &Rotated, of: &Credential, switched: Timestamp) -> Result<Usage, PortError> {
    let topology = rotated.fleet.topology().await?;
    let nodes = rotated.acceptors(&topology);
    let (mut using, mut links) = (Vec::new(), 0);
    for found in join_all(nodes.iter().map(|node| on(rotated, node, of, switched))).await {
        let (clients, found_links) = found?;
        using.extend(clients);
        links += found_links;
    }
    if using.is_empty() {
        return Ok(Usage::Unused(vec![unused(rotated, of, nodes.len(), links)]));
    }
    let more = using.len().saturating_sub(NAMED);
    using.truncate(NAMED);
    if more > 0 {
        using.push(Evidence::new(
            EvidenceKind::Usage,
            "more connections",
            format!("and {more} more"),
        ));
    }
    Ok(Usage::InUse(using))
}

/// The connections that use it, and how many links of other nodes there are, which Keywheel moves itself.
async fn on(
    rotated: &Rotated,
    node: &Arc<Node>,
    of: &Credential,
    switched: Timestamp,
) -> Result<(Vec<Evidence>, usize), PortError> {
    let asked = rotated.now();
    let connected = node
        .connected()
        .await
        .map_err(|failure| failure.port("list the clients", &node.address))?;
    let answered = rotated.now();
    let twins = rotated.config.strategy == Strategy::TwinUsers;
    let ours = connected.clients.iter().filter(|client| client.user == of.user);
    let (clients, links): (Vec<_>, Vec<_>) = ours.partition(|client| client.role() == Role::Client);
    let using = clients.into_iter().filter_map(|client| {
        let since = match twins {
            true => "",
            false => match opened(client, &connected, switched, (asked, answered)) {
                Opened::After => return None,
                Opened::Before => ", since before the switch",
                Opened::Around => ", since the second of the switch, so it may be a new one",
            },
        };
        Some(in_use(client, node, since))
    });
    Ok((using.collect(), links.len()))
}

fn in_use(client: &Client, node: &Node, since: &str) -> Evidence {
    let name = match client.name.as_str() {
        "" => "no name".to_owned(),
        name => format!("name {name}"),
    };
    let detail = format!(
        "connected to {} as {} ({name}) for {} s{since}",
        node.address, client.user, client.age
    );
    Evidence::new(EvidenceKind::Usage, client.address.clone(), detail)
}

fn unused(rotated: &Rotated, of: &Credential, nodes: usize, links: usize) -> Evidence {
    let which = match rotated.config.strategy {
        Strategy::TwinUsers => "has no connection",
        Strategy::DualPassword | Strategy::InPlace => "has no connection from before the switch (resolution 1 s)",
    };
    let links = match links {
        0 => String::new(),
        count => format!("; {count} links between nodes are moved before the version goes"),
    };
    let detail = format!(
        "{} {which} on {nodes} nodes at {:.0}{links}; not seen: who is not connected at this moment, and who is behind a proxy",
        of.user,
        rotated.now()
    );
    Evidence::new(EvidenceKind::Usage, of.user.clone(), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_767_225_600_000 + milliseconds).unwrap()
    }

    fn seen(age: i64, server: i64, ours: (i64, i64)) -> Opened {
        let client = Client {
            id: 1,
            address: String::new(),
            name: String::new(),
            age,
            flags: String::new(),
            user: String::new(),
        };
        let connected = Connected {
            clients: Vec::new(),
            at: at(server),
        };
        // The switch was at second 100 of our clock.
        opened(&client, &connected, at(100_500), (at(ours.0), at(ours.1)))
    }

    #[test]
    fn what_is_older_than_the_switch_is_old_and_the_second_itself_is_in_doubt() {
        let clock = (200_000, 200_010);
        for (age, expected) in [
            (300, Opened::Before),
            (102, Opened::Before),
            (101, Opened::Around),
            (100, Opened::Around),
            (99, Opened::After),
            (0, Opened::After),
        ] {
            assert_eq!(seen(age, 200_005, clock), expected, "{age}");
        }
    }

    #[test]
    fn a_server_whose_clock_is_wrong_is_compared_by_its_own_clock() {
        let clock = (200_000, 200_010);
        for skew in [-3_600_000, 3_600_000] {
            assert_eq!(seen(99, 200_005 + skew, clock), Opened::After);
            assert_eq!(seen(102, 200_005 + skew, clock), Opened::Before);
        }
    }

    #[test]
    fn an_answer_that_took_long_leaves_more_in_doubt() {
        assert_eq!(seen(99, 200_500, (198_000, 203_000)), Opened::Around);
    }
}
