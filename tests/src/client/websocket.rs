//! A WebSocket client: the handshake by tungstenite, over a connection of its own.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::ANSWER_LIMIT;

/// An open WebSocket, and the node that serves it.
#[derive(Debug)]
pub struct WebSocket {
    stream: WebSocketStream<TcpStream>,
    /// The node that the service said it stands on.
    pub node: String,
}

impl WebSocket {
    /// Upgrades a connection to `at` for a host and path.
    ///
    /// # Errors
    /// The upgrade is not answered with 101.
    pub async fn open(at: SocketAddr, host: &str, path: &str) -> Result<Self> {
        let opened = async {
            let connection = TcpStream::connect(at).await?;
            let url = format!("ws://{host}{path}");
            tokio_tungstenite::client_async(url, connection).await.context("no WebSocket")
        };
        let (stream, response) = tokio::time::timeout(ANSWER_LIMIT, opened).await??;
        let node = response.headers().get("x-served-by").and_then(|node| node.to_str().ok());
        Ok(Self { stream, node: node.unwrap_or_default().to_owned() })
    }

    /// Sends a text and checks that the same text comes back.
    ///
    /// # Errors
    /// Another answer, or none.
    pub async fn echo(&mut self, text: &str) -> Result<()> {
        self.stream.send(Message::text(text)).await?;
        let back = tokio::time::timeout(ANSWER_LIMIT, self.stream.next()).await?;
        let back = back.context("the WebSocket was closed")??;
        ensure!(back == Message::text(text), "sent {text:?}, and {back:?} came back");
        Ok(())
    }

    /// Closes it in good order.
    ///
    /// # Errors
    /// It was broken before.
    pub async fn close(mut self) -> Result<()> {
        Ok(self.stream.close(None).await?)
    }
}
