//! The table endpoint's protocol, from the writer's side (DESIGN, "The table endpoint").

use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use zoneway_core::table::wire::Revision;

use super::client::{Answer, Ask, Client, ClientError};
use crate::sources::file::FileError;

/// What `GET /v1/status` answers. Fields that a newer reader adds are passed over: reader and writer are upgraded in
/// any order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReaderStatus {
    /// The versions of the table's format that the reader takes.
    pub(crate) versions: Vec<u64>,
    /// What it serves.
    pub(crate) table: Option<ServedTable>,
    /// Its workers, each with what it has adopted.
    #[serde(default)]
    pub(crate) workers: Vec<Worker>,
}

/// The table that a reader serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServedTable {
    /// Its revision.
    pub(crate) revision: Revision,
    /// SHA-256 of its content, lower-case hex.
    pub(crate) digest: String,
    /// Its hosts.
    pub(crate) hosts: u64,
    /// Seconds since it was accepted.
    pub(crate) age_s: f64,
}

/// One adopting VM of a reader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Worker {
    /// Its random id, opaque here.
    pub(crate) id: serde_json::Value,
    /// What it has adopted; none yet right after a start.
    #[serde(default)]
    pub(crate) revision: Option<Revision>,
    /// Milliseconds since it last said so.
    pub(crate) seen_ms: u64,
}

/// What `PUT /v1/table` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PushAnswer {
    /// Whether the table serves now.
    pub(crate) accepted: bool,
    /// Its revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<Revision>,
    /// Why it does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<PathError>,
}

/// One fault of a refused table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PathError {
    /// Where; empty for the whole.
    pub(crate) path: String,
    /// What.
    pub(crate) message: String,
}

impl std::fmt::Display for PathError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// What is wrong with a file, fault by fault.
pub(crate) fn faults_of(error: &FileError) -> Vec<PathError> {
    let line = error.place().at.map(|(line, column)| format!(" (line {line}, column {column})"));
    let fault =
        |(path, message)| PathError { path, message: format!("{message}{}", line.as_deref().unwrap_or("")) };
    error.entries().into_iter().map(fault).collect()
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Pushed {
    /// 200: it serves.
    Accepted(PushAnswer),
    /// 409: the reader has a newer table, or another one of this revision.
    Conflict(PushAnswer),
    /// 422 or 413: the reader never takes this one.
    Refused(PushAnswer),
}

/// Why an endpoint gave no answer of the protocol.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    /// No answer at all.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Another status than the protocol has, such as 503 while a table is being compiled for over 5 s.
    #[error("{url} answered {status}{}", about(.body))]
    Status {
        /// The endpoint.
        url: String,
        /// The status.
        status: StatusCode,
        /// The beginning of the body.
        body: String,
    },
    /// A body that is none of the protocol's.
    #[error("{url} is no table endpoint: {source}")]
    Foreign {
        /// The endpoint.
        url: String,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
}

fn about(body: &str) -> String {
    if body.is_empty() { String::new() } else { format!(": {body}") }
}

/// How long a status may take: it waits for nothing.
const STATUS_WITHIN: Duration = Duration::from_secs(2);
/// How long a push may take: the endpoint gives up by itself after 5 s.
const PUSH_WITHIN: Duration = Duration::from_secs(8);

/// Asks what the reader serves.
///
/// # Errors
/// When there is no answer, or none of this protocol.
pub(crate) async fn status(client: &mut Client) -> Result<ReaderStatus, EndpointError> {
    let answer = raw_status(client).await?;
    parsed(client, &answer)
}

/// Asks an endpoint or a sidecar for its status, as it answers: the two have the same path.
///
/// # Errors
/// When there is no answer, or one with another status than 200.
pub(crate) async fn raw_status(client: &mut Client) -> Result<Answer, EndpointError> {
    let answer = client.ask(&Ask::get("/v1/status", STATUS_WITHIN)).await?;
    if answer.status == StatusCode::OK { Ok(answer) } else { Err(unexpected(client, &answer)) }
}

/// Reads the body of a status.
///
/// # Errors
/// When it is none.
pub(crate) fn parsed(client: &Client, answer: &Answer) -> Result<ReaderStatus, EndpointError> {
    serde_json::from_slice(&answer.body)
        .map_err(|source| EndpointError::Foreign { url: client.url().to_string(), source })
}

/// Sends a table.
///
/// # Errors
/// When there is no answer, or none of this protocol. Whether the table was taken is then unknown: sending the same
/// again is safe.
pub(crate) async fn push(client: &mut Client, table: Bytes) -> Result<Pushed, EndpointError> {
    let answer = client.ask(&Ask::put("/v1/table", table, PUSH_WITHIN)).await?;
    let result: fn(PushAnswer) -> Pushed = match answer.status {
        StatusCode::OK => Pushed::Accepted,
        StatusCode::CONFLICT => Pushed::Conflict,
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE => Pushed::Refused,
        _ => return Err(unexpected(client, &answer)),
    };
    // Envoy itself answers 413, in words of its own, when its buffer is too small for the body.
    if answer.status == StatusCode::PAYLOAD_TOO_LARGE
        && serde_json::from_slice::<PushAnswer>(&answer.body).is_err()
    {
        let message =
            "too large for the endpoint's buffer: raise per_connection_buffer_limit_bytes of its listener";
        let errors = vec![PathError { path: String::new(), message: message.to_owned() }];
        return Ok(result(PushAnswer { accepted: false, revision: None, errors }));
    }
    let body = serde_json::from_slice(&answer.body)
        .map_err(|source| EndpointError::Foreign { url: client.url().to_string(), source })?;
    Ok(result(body))
}

fn unexpected(client: &Client, answer: &Answer) -> EndpointError {
    let body = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
    EndpointError::Status { url: client.url().to_string(), status: answer.status, body }
}
