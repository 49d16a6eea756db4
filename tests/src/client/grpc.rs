//! gRPC as it is on the wire: length-prefixed messages in the body of an HTTP/2 request, the status in the trailers. The
//! messages are opaque here, as they are to every proxy.

use anyhow::{Context, Result, ensure};
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::HeaderMap;
use tokio::sync::mpsc;

use super::{ANSWER_LIMIT, Ask, Client};

/// An open call in both directions.
#[derive(Debug)]
pub struct Call {
    send: Option<mpsc::Sender<Bytes>>,
    body: Incoming,
    read: Vec<u8>,
    trailers: HeaderMap,
    /// The node that the service said it stands on.
    pub node: String,
}

impl Call {
    /// Opens a call; `client` must speak HTTP/2.
    ///
    /// # Errors
    /// It is not answered with 200.
    pub async fn open(client: &Client, host: &str, method: &str) -> Result<Self> {
        let (send, messages) = mpsc::channel::<Bytes>(16);
        let frames = stream::unfold(messages, |mut messages| async move {
            messages.recv().await.map(|message| (Ok(Frame::data(message)), messages))
        });
        let ask =
            Ask::post(host, method, "").header("content-type", "application/grpc").header("te", "trailers");
        let opened =
            async { client.connect().await?.open(&ask, StreamBody::new(frames).boxed_unsync()).await };
        let response = tokio::time::timeout(ANSWER_LIMIT, opened).await??;
        ensure!(response.status() == 200, "the call was answered with {response:?}");
        let node = response.headers().get("x-served-by").and_then(|node| node.to_str().ok());
        let node = node.unwrap_or_default().to_owned();
        Ok(Self {
            send: Some(send),
            body: response.into_body(),
            read: Vec::new(),
            trailers: HeaderMap::new(),
            node,
        })
    }

    /// Sends one message and waits until the same one comes back.
    ///
    /// # Errors
    /// Another message comes, or none.
    pub async fn echo(&mut self, message: &str) -> Result<()> {
        let length = u32::try_from(message.len())?;
        let framed = [&[0], &length.to_be_bytes()[..], message.as_bytes()].concat();
        let send = self.send.as_ref().context("the call is closed")?;
        send.send(Bytes::from(framed.clone())).await?;
        while self.read.len() < framed.len() {
            ensure!(self.frame().await?, "the call ended before its answer");
        }
        let back: Vec<u8> = self.read.drain(..framed.len()).collect();
        ensure!(back == framed, "sent {framed:?}, and {back:?} came back");
        Ok(())
    }

    /// Says that no more messages come, and gives the status in the trailers.
    ///
    /// # Errors
    /// The call breaks, or has no status.
    pub async fn close(mut self) -> Result<String> {
        self.send = None;
        while self.frame().await? {}
        let status = self.trailers.get("grpc-status").context("the trailers have no grpc-status")?;
        Ok(status.to_str()?.to_owned())
    }

    async fn frame(&mut self) -> Result<bool> {
        let Some(frame) = tokio::time::timeout(ANSWER_LIMIT, self.body.frame()).await? else {
            return Ok(false);
        };
        match frame?.into_data() {
            Ok(data) => self.read.extend_from_slice(&data),
            Err(frame) => self.trailers = frame.into_trailers().unwrap_or_default(),
        }
        Ok(true)
    }
}
