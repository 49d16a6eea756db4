//! What is asked of the endpoint.

use super::Answer;

/// A request to the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `PUT /v1/table`: the body is a table.
    Put,
    /// `GET /v1/table`.
    Table,
    /// `GET /v1/status`.
    Status,
    /// Anything else, with its answer.
    Unknown(Answer),
}

impl Call {
    /// Tells the calls apart by `:method` and `:path`; a query is ignored.
    #[must_use]
    pub fn of(method: &[u8], path: &[u8]) -> Self {
        let path = path.split(|byte| *byte == b'?').next().unwrap_or_default();
        let wrong = |status, message: &str| {
            Self::Unknown(Answer::refusal(status, vec![(String::new(), message.to_owned())]))
        };
        match (path, method) {
            (b"/v1/table", b"PUT") => Self::Put,
            (b"/v1/table", b"GET") => Self::Table,
            (b"/v1/status", b"GET") => Self::Status,
            (b"/v1/table", _) => wrong(405, "/v1/table takes PUT and GET"),
            (b"/v1/status", _) => wrong(405, "/v1/status takes GET"),
            _ => wrong(404, "there is /v1/table and /v1/status here"),
        }
    }
}
