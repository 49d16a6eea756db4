//! One HTTP request as the host holds it.

use std::collections::BTreeMap;

/// Header lines, in their order. Neither names nor values need be UTF-8.
pub type Headers = Vec<(Vec<u8>, Vec<u8>)>;

/// A request to send.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Its header lines, pseudo-headers among them.
    pub headers: Headers,
    /// Its body, in the chunks that arrive; none means that the headers end it.
    pub body: Vec<Vec<u8>>,
    /// What the connection and the filter chain know, by path.
    pub properties: BTreeMap<String, Vec<u8>>,
    /// What the module gets for a header map, in place of the one that is made of the headers.
    pub block: Option<Vec<u8>>,
}

impl Request {
    /// `GET` of a path of a host.
    #[must_use]
    pub fn get(host: impl AsRef<[u8]>, path: impl AsRef<[u8]>) -> Self {
        Self::default().header(":method", "GET").header(":authority", host).header(":path", path)
    }

    /// `PUT` of a body, in chunks of this size.
    #[must_use]
    pub fn put(path: &str, body: &[u8], chunk: usize) -> Self {
        let request =
            Self::default().header(":method", "PUT").header(":authority", "zoneway").header(":path", path);
        Self { body: body.chunks(chunk.max(1)).map(<[u8]>::to_vec).collect(), ..request }
    }

    /// With one more header line.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    /// With these bytes as the header map, whatever the headers are.
    #[must_use]
    pub fn block(self, bytes: impl AsRef<[u8]>) -> Self {
        Self { block: Some(bytes.as_ref().to_vec()), ..self }
    }

    /// With a property, its path joined by `.`.
    #[must_use]
    pub fn property(mut self, path: &str, value: impl AsRef<[u8]>) -> Self {
        self.properties.insert(path.to_owned(), value.as_ref().to_vec());
        self
    }
}

/// An answer that the filter gave by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// The HTTP status.
    pub status: u32,
    /// Its header lines.
    pub headers: Headers,
    /// Its body.
    pub body: Vec<u8>,
}

impl Local {
    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// A request in the host's hands, and what became of it.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    /// The headers, as the filter left them.
    pub headers: Headers,
    /// What of the body the filter has not dropped.
    pub body: Vec<u8>,
    /// What stands in place of the header map.
    pub block: Option<Vec<u8>>,
    /// Properties that can be read.
    pub properties: BTreeMap<String, Vec<u8>>,
    /// Filter state that the filter wrote.
    pub written: BTreeMap<String, Vec<u8>>,
    /// The filter's own answer.
    pub local: Option<Local>,
    /// Whether the request goes on to the next filter.
    pub continues: bool,
    /// Whether the VM died of it: Envoy answers 503.
    pub trapped: bool,
    /// Whether a route would be looked for again.
    pub route_cleared: bool,
    /// The host calls that were made for it, by name and in order.
    pub calls: Vec<&'static str>,
}

impl Stream {
    /// The values of a header, in their order.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<String> {
        let of = |(key, value): &(Vec<u8>, Vec<u8>)| {
            key.eq_ignore_ascii_case(name.as_bytes()).then(|| String::from_utf8_lossy(value).into_owned())
        };
        self.headers.iter().filter_map(of).collect()
    }

    /// The log field, as an access log prints it: `-` where the filter wrote none.
    #[must_use]
    pub fn log_field(&self) -> String {
        self.written
            .get("zoneway")
            .map_or("-".to_owned(), |field| String::from_utf8_lossy(field).into_owned())
    }

    /// The status of the filter's own answer; 503 where it died.
    #[must_use]
    pub fn status(&self) -> Option<u32> {
        if self.trapped { Some(503) } else { self.local.as_ref().map(|local| local.status) }
    }
}
