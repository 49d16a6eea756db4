//! The decision behind what a filter did with a request.

use anyhow::{Context, Result, ensure};

use super::case::Expected;
use crate::Stream;

/// How many addresses a forward lists at most.
const LISTED: usize = 16;

/// A decision, as far as it can be seen from outside.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    action: String,
    reason: String,
    status: Option<u32>,
    zone: Option<String>,
    endpoints: Vec<String>,
    tunnel: Option<String>,
}

/// Reads a decision off headers, answer and log field.
pub(super) fn observe(stream: &Stream) -> Result<Answer> {
    ensure!(!stream.trapped, "the filter trapped");
    ensure!(stream.continues == stream.local.is_none(), "the filter neither answers nor goes on");
    let log = stream.log_field();
    let mut words = log.split(' ');
    let (action, reason) = match (words.next(), words.next()) {
        (Some("-"), None) => ("local", "here"),
        (Some(action), Some(reason)) => (action, reason),
        _ => anyhow::bail!("the log field is {log}"),
    };
    let cluster = stream.values("x-zoneway-cluster").pop();
    let zone =
        cluster.as_deref().and_then(|cluster| cluster.strip_prefix("zoneway/zone/")).map(str::to_owned);
    match action {
        "peer" => ensure!(cluster.as_deref() == Some("zoneway/peers"), "the cluster is {cluster:?}"),
        "zone" => {
            let logged = words.next().context("the log field names no zone")?;
            ensure!(zone.as_deref() == Some(logged), "the cluster is {cluster:?} and the log says {logged}");
        }
        _ => ensure!(cluster.is_none(), "{action} has a cluster {cluster:?}"),
    }
    let list = stream.values("x-zoneway-endpoints").pop().unwrap_or_default();
    let endpoints = list.split(',').filter(|address| !address.is_empty()).map(str::to_owned).collect();
    Ok(Answer {
        action: action.to_owned(),
        reason: reason.to_owned(),
        status: stream.status(),
        zone,
        endpoints,
        tunnel: stream.values("x-zoneway-tunnel").pop(),
    })
}

impl Answer {
    /// Whether this is what a case expects. A forward names one tunnel, and only where nothing can be dialled.
    pub(super) fn is(&self, expected: &Expected) -> bool {
        let listed = expected.endpoints.get(..LISTED).unwrap_or(&expected.endpoints);
        let tunnel = expected.tunnels.first().filter(|_| expected.endpoints.is_empty());
        (&self.action, &self.reason) == (&expected.action, &expected.reason)
            && (self.status, &self.zone) == (expected.status, &expected.zone)
            && self.endpoints == listed
            && self.tunnel.as_ref() == tunnel
    }

    /// Where the request goes first.
    pub(super) fn first(&self) -> String {
        self.endpoints.first().or(self.tunnel.as_ref()).unwrap_or(&self.action).clone()
    }
}
