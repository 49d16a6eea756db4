//! The corpus of `tests/edge/`: what a client sends, byte for byte, and what has to come of it (`tests/edge/README.md`).

pub mod http1;
pub mod http2;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::client::{ANSWER_LIMIT, tls};
use crate::service::Report;

/// The name that a TLS handshake asks for where the case says none.
const SNI: &str = "films.stuartpb.com";

/// A file of the corpus.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// The file's name without `.yaml`.
    #[serde(skip)]
    pub name: String,
    /// What its cases are about.
    pub about: String,
    /// The cases.
    pub cases: Vec<Case>,
}

/// One connection: what is written to it, and what comes back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is special about it.
    pub name: String,
    /// The lines of a request of HTTP/1.1: CR LF goes behind each, and once more behind the last.
    pub lines: Option<Vec<String>>,
    /// Or all of it as it is: one byte a character.
    pub bytes: Option<String>,
    /// Or the fields of a request of HTTP/2, in their order.
    pub fields: Option<Vec<(String, String)>>,
    /// What follows the lines, or the fields as DATA.
    pub body: Option<String>,
    /// The name that the TLS handshake asks for.
    pub sni: Option<String>,
    /// Only over TLS (`tls`) or without (`plain`).
    pub only: Option<String>,
    /// Whether it breaks in its body, when a service may have seen how it began.
    #[serde(default)]
    pub breaks: bool,
    /// The answers: statuses, `reset` (a stream of HTTP/2) and, at the end, `closed`.
    pub answers: Vec<Value>,
    /// What reached a service: `SERVICE HOST PATH` each.
    #[serde(default)]
    pub reaches: Vec<String>,
}

/// Over which a case is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// TCP alone.
    Plain,
    /// TLS.
    Tls,
}

/// What came of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The answers, as in [`Case::answers`].
    pub answers: Vec<String>,
    /// What reached a service, as in [`Case::reaches`].
    pub reaches: Vec<String>,
}

/// What a case's connection runs over.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Case {
    /// Whether it is to be sent over this.
    #[must_use]
    pub fn is_for(&self, over: Over) -> bool {
        match self.only.as_deref() {
            Some("tls") => over == Over::Tls,
            Some("plain") => over == Over::Plain,
            _ => true,
        }
    }

    /// What has to come of it.
    #[must_use]
    pub fn expected(&self) -> Seen {
        let text = |answer: &Value| answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
        Seen {
            answers: self.answers.iter().map(text).collect(),
            reaches: self.reaches.iter().map(|one| expanded(one)).collect(),
        }
    }

    /// Sends it on a connection of its own.
    ///
    /// # Errors
    /// The case is none, nobody listens, or neither answers nor the end come in time.
    pub async fn send(&self, at: SocketAddr, over: Over) -> Result<Seen> {
        let exchange = async {
            let stream = self.connect(at, over).await?;
            let expected = self.expected().answers;
            let answers = match (&self.lines, &self.bytes, &self.fields) {
                (Some(lines), None, None) => {
                    let body = self.body.as_deref().unwrap_or_default();
                    let text = format!("{}\r\n\r\n{body}", lines.join("\r\n"));
                    http1::exchange(stream, &bytes(&text), &expected).await?
                }
                (None, Some(text), None) => http1::exchange(stream, &bytes(text), &expected).await?,
                (None, None, Some(fields)) => {
                    let scheme = if over == Over::Tls { "https" } else { "http" };
                    let field = |text: &str| bytes(&text.replace("${scheme}", scheme));
                    let fields: Vec<_> =
                        fields.iter().map(|(name, value)| (field(name), field(value))).collect();
                    http2::exchange(stream, &fields, self.body.as_deref().map(bytes).as_deref()).await?
                }
                _ => anyhow::bail!("a case has one of `lines`, `bytes` and `fields`"),
            };
            let reaches = answers.iter().filter(|answer| answer.status == "200").map(Answer::reached);
            let reaches = reaches.collect::<Result<_>>()?;
            Ok(Seen { answers: answers.into_iter().map(|answer| answer.status).collect(), reaches })
        };
        let seen = tokio::time::timeout(ANSWER_LIMIT, exchange).await;
        seen.context("neither an answer nor the end").and_then(|seen| seen).with_context(|| self.name.clone())
    }

    async fn connect(&self, at: SocketAddr, over: Over) -> Result<Box<dyn Stream>> {
        let stream = TcpStream::connect(at).await?;
        stream.set_nodelay(true)?;
        if over == Over::Plain {
            return Ok(Box::new(stream));
        }
        let protocol = if self.fields.is_some() { "h2" } else { "http/1.1" };
        let mut config = tls::anonymous()?.as_ref().clone();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let name = ServerName::try_from(self.sni.clone().unwrap_or_else(|| SNI.to_owned()))?;
        Ok(Box::new(TlsConnector::from(Arc::new(config)).connect(name, stream).await?))
    }
}

/// One answer: its status, or how it ended, and its body.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// A number, `reset` or `closed`.
    pub status: String,
    /// What the service said.
    pub body: Vec<u8>,
}

impl Answer {
    fn end(how: &str) -> Self {
        Self { status: how.to_owned(), body: Vec::new() }
    }

    /// The service that was reached, as it saw itself asked.
    fn reached(&self) -> Result<String> {
        let said = String::from_utf8_lossy(&self.body);
        let report: Report = serde_json::from_str(&said).with_context(|| format!("no report: {said:?}"))?;
        Ok(format!("{} {} {}", report.service, report.host, report.path))
    }
}

/// The bytes of a case's text: a character is a byte, and `<a*300>` three hundred of them.
fn bytes(text: &str) -> Vec<u8> {
    expanded(text).chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect()
}

fn expanded(text: &str) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        expanded.push_str(before);
        let times = after.split_once('>').and_then(|(inside, after)| {
            let (what, times) = inside.rsplit_once('*')?;
            Some((what.repeat(times.parse().ok()?), after))
        });
        match times {
            Some((repeated, after)) => {
                expanded.push_str(&repeated);
                rest = after;
            }
            None => {
                expanded.push('<');
                rest = after;
            }
        }
    }
    expanded.push_str(rest);
    expanded
}

/// Every file of the corpus, by name.
///
/// # Errors
/// A file cannot be read, or is none of the corpus.
pub fn topics() -> Result<Vec<Topic>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("edge");
    let mut topics = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "yaml") {
            let text = fs::read_to_string(&file)?;
            let topic: Result<Topic, _> = serde_saphyr::from_str(&text);
            let mut topic = topic.with_context(|| format!("{} is no file of the corpus", file.display()))?;
            topic.name =
                file.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            topics.push(topic);
        }
    }
    ensure!(!topics.is_empty(), "there is nothing in {}", folder.display());
    topics.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(topics)
}
