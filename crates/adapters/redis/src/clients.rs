//! Who is connected, as `CLIENT LIST` says.

use std::collections::BTreeSet;

/// One connection of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) id: i64,
    pub(crate) address: String,
    pub(crate) name: String,
    /// Seconds since it was opened, rounded down.
    pub(crate) age: i64,
    pub(crate) flags: String,
    pub(crate) user: String,
}

/// What holds a connection, where it is no client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// An application, or a person.
    Client,
    /// A replica that follows this node, or the master that this node follows.
    Replication,
    /// A Sentinel that watches this node.
    Sentinel,
}

impl Client {
    /// What holds it. A client can give itself a Sentinel's name; what it then escapes is a drain, not the retirement.
    pub(crate) fn role(&self) -> Role {
        if self.flags.contains(['S', 'M']) {
            return Role::Replication;
        }
        let number = self
            .name
            .strip_prefix("sentinel-")
            .and_then(|rest| rest.split_once('-'));
        let is_sentinel = number.is_some_and(|(id, what)| {
            id.len() == 8 && id.chars().all(|c| c.is_ascii_hexdigit()) && ["cmd", "pubsub"].contains(&what)
        });
        match is_sentinel {
            true => Role::Sentinel,
            false => Role::Client,
        }
    }
}

/// Reads the lines of `CLIENT LIST`, but for the connections of our own.
pub(crate) fn read(lines: &str, own: &BTreeSet<i64>) -> Vec<Client> {
    let clients = lines.lines().filter_map(client);
    clients.filter(|client| !own.contains(&client.id)).collect()
}

/// A line without a number or a user is none of a server that has users.
fn client(line: &str) -> Option<Client> {
    let fields = || line.split(' ').filter_map(|field| field.split_once('='));
    let field = |name: &str| fields().find(|(key, _)| *key == name).map(|(_, value)| value);
    let text = |name: &str| field(name).unwrap_or_default().to_owned();
    Some(Client {
        id: field("id")?.parse().ok()?,
        address: text("addr"),
        name: text("name"),
        age: field("age")?.parse().ok()?,
        flags: text("flags"),
        // Redis before 6 has one user.
        user: field("user").unwrap_or(crate::config::DEFAULT_USER).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "id=3 addr=127.0.0.1:58666 laddr=127.0.0.1:17011 fd=7 name= age=17 idle=0 flags=S db=0 cmd=psync user=repl redir=-1 resp=2\n\
        id=10 addr=127.0.0.1:57472 laddr=127.0.0.1:17011 fd=8 name=sentinel-63ceb97d-cmd age=2 idle=0 flags=N db=0 cmd=ping user=default redir=-1 resp=2\n\
        id=12 addr=[::1]:57494 laddr=[::1]:17011 fd=11 name=worker-1 age=0 idle=0 flags=N db=0 cmd=client|list user=a=b redir=-1 resp=2\n";

    #[test]
    fn connections_are_read_with_what_holds_them() {
        let clients = read(LINES, &BTreeSet::new());
        let roles: Vec<_> = clients.iter().map(|client| (client.id, client.role())).collect();
        assert_eq!(
            roles,
            [(3, Role::Replication), (10, Role::Sentinel), (12, Role::Client)]
        );
        let worker = &clients[2];
        assert_eq!(
            (worker.address.as_str(), worker.name.as_str()),
            ("[::1]:57494", "worker-1")
        );
        assert_eq!((worker.user.as_str(), worker.age), ("a=b", 0));
    }

    #[test]
    fn our_own_connections_are_left_out() {
        let clients = read(LINES, &BTreeSet::from([3, 12]));
        assert_eq!(clients.iter().map(|client| client.id).collect::<Vec<_>>(), [10]);
    }

    #[test]
    fn what_is_no_line_of_a_client_is_passed_over() {
        assert!(read("\nOK\nid=x age=1\n", &BTreeSet::new()).is_empty());
        assert_eq!(read("id=1 age=1 flags=N", &BTreeSet::new())[0].user, "default");
    }
}
