//! One host and one path, however they are spelled: what Envoy's router sees is what the filter has decided upon.

use anyhow::Result;
use zoneway_tests::client::{Client, Protocol, raw};
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::TWO_ZONES;
use zoneway_tests::service::Report;

fn report(answer: &str) -> Result<Report> {
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    // The body may come in chunks; the report is the only object in it.
    let object = body.find('{').zip(body.rfind('}')).and_then(|(start, end)| body.get(start..=end));
    Ok(serde_json::from_str(object.unwrap_or_default())?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_is_the_same_with_a_port_a_dot_and_in_capitals() -> Result<()> {
    let household = Household::start(TWO_ZONES).await?;
    let (studtop, edge) = (household.places.get("studtop.ingress")?, household.places.get("edge.ingress")?);
    for spelling in ["NAME", "NAME:80", "NAME:8443", "NAME:00443", "NAME.", "NAME.:8443", "NaMe", "NAME.:0"] {
        let spell = |name: &str| match spelling {
            "NaMe" => name.to_uppercase(),
            _ => spelling.replace("NAME", name),
        };
        // Here, at a peer, and in the other zone: the route that the filter meant is the one that is taken.
        for (name, service) in [("music", "music"), ("films", "films"), ("status", "status")] {
            let host = spell(&format!("{name}.stuartpb.com"));
            let (status, answer) = raw::get(studtop, &host, "/").await?;
            assert_eq!(status, 200, "{host}: {answer}");
            assert_eq!(report(&answer)?.service, service, "{host}");
        }
        // No spelling opens what is closed.
        let host = spell("dashboard.403.stuartpb.com");
        let (status, answer) = raw::get(edge, &host, "/").await?;
        assert_eq!(status, 404, "{host}: {answer}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_none_is_refused() -> Result<()> {
    let household = Household::start(TWO_ZONES).await?;
    let hosts = [
        "dashboard..403.stuartpb.com",
        "dashboard.403.stuartpb.com..",
        ".dashboard.403.stuartpb.com",
        "dashboard.403.stuartpb.com:80:80",
        "dashboard.403.stuartpb.com:x",
        "[dashboard.403.stuartpb.com]",
        "-dashboard.403.stuartpb.com",
        "dashboard.403.stuartpb.com/",
        "music.stuartpb.com@dashboard.403.stuartpb.com",
        "dashboard.403.stuartpb.com,music.stuartpb.com",
        "dashb%6fard.403.stuartpb.com",
        "d\u{e4}shboard.403.stuartpb.com",
        "",
    ];
    for at in [household.places.get("studtop.ingress")?, household.places.get("edge.ingress")?] {
        for host in hosts {
            let (status, answer) = raw::get(at, host, "/").await?;
            assert_eq!(status, 400, "{host:?}: {answer}");
        }
        let two = ["GET / HTTP/1.1", "host: music.stuartpb.com", "host: dashboard.403.stuartpb.com"];
        let (status, answer) = raw::lines(at, &two).await?;
        assert_eq!(status, 400, "two hosts: {answer}");
    }
    // The request line's host is the one that counts, for the filter and the router alike.
    let edge = household.places.get("edge.ingress")?;
    let absolute = ["GET http://dashboard.403.stuartpb.com/ HTTP/1.1", "host: status.stuartpb.com"];
    let (status, answer) = raw::lines(edge, &absolute).await?;
    assert_eq!(status, 404, "{answer}");
    let absolute = ["GET http://status.stuartpb.com/ HTTP/1.1", "host: dashboard.403.stuartpb.com"];
    let (status, answer) = raw::lines(edge, &absolute).await?;
    assert_eq!((status, report(&answer)?.service.as_str()), (200, "status"), "{answer}");
    Ok(())
}

/// `/admin` of `notes.stuartpb.com` is for the household alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_spelling_of_a_path_reaches_what_is_closed() -> Result<()> {
    let household = Household::start(TWO_ZONES).await?;
    let (studtop, edge) = (household.places.get("studtop.ingress")?, household.places.get("edge.ingress")?);
    let closed = [
        "/admin",
        "/admin/",
        "/admin/x",
        "/admin?x",
        "//admin",
        "/./admin",
        "/x/../admin",
        "/x/.././admin/",
        "//x/..//admin",
        "/%61dmin",
        "/%61%64%6d%69%6e",
        "/x%2f..%2fadmin",
        "/x/%2e%2e/admin",
        "/%2e/admin",
        "/x%2F..%2Fadmin",
        "\\admin",
        "/x\\..\\admin",
        "/x%5c..%5cadmin",
        "/x/..;/admin",
        "/x/..;a=b/admin",
        "/.;/admin",
        "/%2561dmin/../admin",
        "/admin%2fx",
        "/%zzadmin",
    ];
    for path in closed {
        let (status, answer) = raw::get(edge, "notes.stuartpb.com", path).await?;
        assert!([400, 404].contains(&status), "{path}: {answer}");
        // Whoever may ask is either answered for the path that was decided upon, or refused as malformed.
        let (status, answer) = raw::get(studtop, "notes.stuartpb.com", path).await?;
        match status {
            200 => assert!(report(&answer)?.path.starts_with("/admin"), "{path}: {answer}"),
            _ => assert_eq!(status, 400, "{path}: {answer}"),
        }
    }
    // These are other paths, and open.
    for path in ["/", "/administrator", "/ADMIN", "/x/admin", "/?/admin", "/a%20b"] {
        let (status, answer) = raw::get(edge, "notes.stuartpb.com", path).await?;
        assert_eq!(status, 200, "{path}: {answer}");
        assert_eq!(report(&answer)?.path, path);
    }
    // HTTP/2 has its own way of writing both.
    let client = Client::new(edge, Protocol::Http2);
    for path in ["/admin", "//admin", "/x/../admin", "/%61dmin", "/x%2f..%2fadmin"] {
        let answer = client.get("NOTES.stuartpb.com:443", path).await?;
        assert!([400, 404].contains(&answer.status), "{path}: {answer:?}");
    }
    Ok(())
}
