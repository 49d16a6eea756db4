//! What a client of the public node gets that asks for too much, or for too long. Others are served meanwhile.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use zoneway_tests::client::{Ask, Client, PROTOCOLS, Protocol};
use zoneway_tests::deadline::{self, PATIENCE};
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::TWO_ZONES;

/// A household whose public node has other figures than the rendered ones, which are too large for a test.
async fn start(figures: &[(&str, &str)]) -> Result<(Household, SocketAddr)> {
    let mut household = Household::prepare(TWO_ZONES).await?;
    let site = household.site_file();
    let file = household.node("edge")?.render(&site)?;
    let mut text = fs::read_to_string(&file)?;
    for (rendered, other) in figures {
        ensure!(text.contains(rendered), "{rendered:?} is written otherwise");
        text = text.replace(rendered, other);
    }
    fs::write(&file, text)?;
    for node in ["studtop", "stuchip", "edge"] {
        household.start_node(node)?;
    }
    household.node("edge")?.serving().await?;
    let at = household.places.get("edge.ingress")?;
    Ok((household, at))
}

/// Sends a request line and what follows it, and gives all that comes back until the connection ends.
async fn answer_to(at: SocketAddr, request: &str) -> Result<String> {
    let mut stream = TcpStream::connect(at).await?;
    stream.write_all(request.as_bytes()).await?;
    to_its_end(&mut stream).await
}

async fn to_its_end(stream: &mut TcpStream) -> Result<String> {
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.context("the connection does not end")??;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_may_take_ten_seconds_however_busily_they_are_sent_and_connections_have_a_hundred_streams()
-> Result<()> {
    let (_household, at) = start(&[]).await?;
    let slow = tokio::spawn(async move {
        let (mut from, mut to) = TcpStream::connect(at).await?.into_split();
        to.write_all(b"GET / HTTP/1.1\r\nHost: films.stuartpb.com\r\nX-A: ").await?;
        // A byte now and then: no connection that is idle.
        let drip = tokio::spawn(async move {
            let mut often = interval(Duration::from_millis(200));
            while to.write_all(b"a").await.is_ok() {
                often.tick().await;
            }
        });
        let (start, mut answer) = (Instant::now(), [0; 13]);
        from.read_exact(&mut answer).await?;
        drip.abort();
        anyhow::Ok((String::from_utf8_lossy(&answer).into_owned(), start.elapsed()))
    });

    let mut stream = TcpStream::connect(at).await?;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
    let mut head = [0; 9];
    stream.read_exact(&mut head).await?;
    assert_eq!(head[3], 4, "an Envoy's first frame is SETTINGS: {head:?}");
    let mut settings = vec![0; usize::from(head[2])];
    stream.read_exact(&mut settings).await?;
    let streams = settings.chunks(6).find(|setting| setting[..2] == [0, 3]).context("no limit of streams")?;
    assert_eq!(streams[2..], 100_u32.to_be_bytes());

    let (answer, after) = timeout(PATIENCE, slow).await???;
    assert_eq!(answer, "HTTP/1.1 408 ");
    assert!(after > Duration::from_secs(8), "it was cut off after {after:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_are_too_many_or_too_long_are_refused_and_reach_nobody() -> Result<()> {
    let (household, at) = start(&[]).await?;
    let long = Ask::get("films.stuartpb.com", "/").header("x-long", &"a".repeat(61 * 1024));
    let many =
        (0..101).fold(Ask::get("films.stuartpb.com", "/"), |ask, n| ask.header(&format!("x-{n}"), "a"));
    for protocol in PROTOCOLS {
        let client = Client::new(at, protocol);
        for (what, ask) in [("long", &long), ("many", &many)] {
            // HTTP/2 may end the stream without an answer.
            match (protocol, client.send(ask).await) {
                (Protocol::Http2, Err(_)) => {}
                (_, answer) => assert_eq!(answer?.status, 431, "{what} {protocol:?}"),
            }
        }
        assert_eq!(household.requests("stuchip.films")?, 0);
    }
    for protocol in PROTOCOLS {
        let fits = Ask::get("films.stuartpb.com", "/").header("x-long", &"a".repeat(50 * 1024));
        let client = Client::new(at, protocol);
        deadline::until("what fits to be served", || async { client.send(&fits).await?.report().map(drop) })
            .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_go_on_is_cut_off() -> Result<()> {
    let figures =
        [("idle_timeout: 3600s", "idle_timeout: 1s"), ("request_timeout: 300s", "request_timeout: 2s")];
    let (_household, at) = start(&figures).await?;
    let films = "HTTP/1.1\r\nHost: films.stuartpb.com\r\n";
    // A connection without a request, before the first and after it.
    assert_eq!(answer_to(at, "").await?, "");
    let answer = answer_to(at, &format!("GET / {films}\r\n")).await?;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // A body that does not come.
    let answer = answer_to(at, &format!("POST / {films}Content-Length: 10\r\n\r\nabc")).await?;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_connections_is_cut_off_and_the_sidecar_is_not() -> Result<()> {
    let limit = "max_active_downstream_connections";
    let figures = (format!("{limit}: 50000"), format!("{limit}: 8"));
    let (mut household, at) = start(&[(&figures.0, &figures.1)]).await?;
    let mut flood = Vec::new();
    for _ in 0..32 {
        flood.push(TcpStream::connect(at).await?);
    }
    let edge = household.node("edge")?;
    deadline::until("connections to be cut off", || async {
        let cut = edge.metric(&["downstream_global_cx_overflow"]).await?;
        ensure!(cut >= 20, "{cut} connections were cut off");
        Ok(())
    })
    .await?;
    assert!(edge.table_status().await?.get("table").is_some());
    drop(flood);
    deadline::until("the next client to be served", || async {
        Client::new(at, Protocol::Http1).get("status.stuartpb.com", "/").await?.report().map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_envoy_without_memory_refuses_requests_and_hears_its_sidecar() -> Result<()> {
    let (mut household, at) =
        start(&[("max_heap_size_bytes: 1073741824", "max_heap_size_bytes: 1000000")]).await?;
    deadline::until("requests to be refused", || async {
        let answer = Client::new(at, Protocol::Http1).get("status.stuartpb.com", "/").await?;
        ensure!(answer.status == 503, "{answer:?}");
        Ok(())
    })
    .await?;
    let edge = household.node("edge")?;
    assert!(edge.table_status().await?.get("table").is_some());
    Ok(())
}
