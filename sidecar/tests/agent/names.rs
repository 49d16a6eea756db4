//! DNS names in a site, against a DNS server whose answers change.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::{RData, Record, RecordType, rdata::A};
use serde_json::Value;

use super::cluster::Node;
use super::http::get_json;
use super::program::until;

type Answers = Arc<Mutex<BTreeMap<String, Ipv4Addr>>>;

/// A DNS server for these names; each answer holds for a second.
fn server() -> (SocketAddr, Answers) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    let answers = Answers::default();
    let known = Arc::clone(&answers);
    std::thread::spawn(move || {
        let mut bytes = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut bytes) {
            let Ok(mut message) = Message::from_vec(&bytes[..length]) else { continue };
            let Some(query) = message.queries.first().cloned() else { continue };
            message.metadata.message_type = MessageType::Response;
            let name = query.name().to_utf8().trim_end_matches('.').to_owned();
            match known.lock().unwrap().get(&name) {
                Some(address) if query.query_type() == RecordType::A => {
                    let record = Record::from_rdata(query.name().clone(), 1, RData::A(A(*address)));
                    message.add_answer(record);
                }
                Some(_) => {}
                None => message.metadata.response_code = ResponseCode::NXDomain,
            }
            let _ = socket.send_to(&message.to_vec().unwrap(), from);
        }
    });
    (address, answers)
}

fn address_of(node: &Node, id: &str) -> Result<Option<String>, String> {
    let table = get_json(&node.table_socket(), "/v1/table")?;
    Ok(table["zones"]["home"]["nodes"][id]["address"].as_str().map(str::to_owned))
}

#[test]
fn a_name_is_kept_resolved_and_its_last_address_stays_when_it_resolves_no_more() {
    let (dns, answers) = server();
    let set = |name: &str, address: Option<[u8; 4]>| {
        let mut answers = answers.lock().unwrap();
        match address {
            Some(address) => answers.insert(name.to_owned(), Ipv4Addr::from(address)),
            None => answers.remove(name),
        };
    };
    set("b.example.net", Some([127, 0, 1, 1]));
    let mut node = Node::new();
    node.configure(&format!("dns: {{servers: ['{dns}']}}"));
    let site = node.site(&["notes.example"]);
    let named = site.replace("services:\n", "      b: b.example.net\n      c: c.example.net\nservices:\n");
    node.write_site(&named);
    node.start_envoy();
    node.start_sidecar(&[]);
    node.until_in_sync();
    // The first table has the name's address already, and leaves out what never resolved, with a warning.
    assert_eq!(node.revision().unwrap().1, 0);
    assert_eq!(address_of(&node, "b").unwrap().as_deref(), Some("127.0.1.1:15443"));
    assert_eq!(address_of(&node, "c").unwrap(), None);
    let status = node.status().unwrap();
    assert!(status["source"]["warnings"].to_string().contains("c.example.net"), "{status}");
    // Another address: the shortest time between two lookups is 5 s.
    set("b.example.net", Some([127, 0, 1, 2]));
    set("c.example.net", Some([127, 0, 1, 3]));
    until("the new addresses", || match (address_of(&node, "b")?, address_of(&node, "c")?) {
        (Some(b), Some(c)) if b == "127.0.1.2:15443" && c == "127.0.1.3:15443" => Ok(()),
        other => Err(format!("{other:?}")),
    });
    until("no warning", || {
        let status = node.status()?;
        if status["source"]["warnings"] == Value::Null { Ok(()) } else { Err(status.to_string()) }
    });
    // Gone: the last address stays, after a restart too.
    set("b.example.net", None);
    until("the loss to be told", || {
        let log = node.sidecar.as_ref().unwrap().log();
        if log.contains("does not resolve, its last address stays") { Ok(()) } else { Err(log) }
    });
    node.sidecar().kill();
    node.start_sidecar(&[]);
    node.until_in_sync();
    assert_eq!(address_of(&node, "b").unwrap().as_deref(), Some("127.0.1.2:15443"));
}
