//! `envoy.service.auth.v3.Authorization/Check`, answered with what both of Zoneway's filters ask: `traffic::pass`.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic_prost::ProstCodec;
use zoneway_core::decision::Decision;
use zoneway_core::layout::Layout;
use zoneway_core::settings::Settings;
use zoneway_core::traffic::{Carriage, Counters, Passage, Proxy, Random, pass};

use crate::messages::{
    Answer, CheckRequest, CheckResponse, Denied, Header, HeaderOption, HttpStatus, Onward, RpcStatus,
};

const APPEND: i32 = 0;
const REPLACE: i32 = 2;
/// `PERMISSION_DENIED`, of google.rpc.Code.
const PERMISSION_DENIED: i32 = 7;

/// The service: one table, for as long as it runs.
#[derive(Clone)]
pub(crate) struct Authorization(pub(crate) Arc<Decider>);

pub(crate) struct Decider {
    pub(crate) settings: Settings,
    pub(crate) table: Layout,
}

impl Decider {
    fn check(&self, request: CheckRequest) -> CheckResponse {
        let http =
            request.attributes.and_then(|attributes| attributes.request).and_then(|request| request.http);
        let headers = http.unwrap_or_default().headers;
        let pairs = || headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let Passage { carriage, .. } = pass(&self.settings, Some(&self.table), pairs, &Nobody);
        match carriage {
            Carriage::Leave { remove } => onward(Vec::new(), &remove),
            Carriage::Forward { remove, set, add: (name, value) } => {
                let mut headers: Vec<_> =
                    set.into_iter().map(|(name, value)| header(name, value, REPLACE)).collect();
                headers.push(header(name, value.into(), APPEND));
                onward(headers, &remove)
            }
            Carriage::Refuse(refusal) => {
                let headers = refusal.headers.into_iter();
                let denied = Denied {
                    status: Some(HttpStatus { code: refusal.status.into() }),
                    headers: headers.map(|(name, value)| header(name, value.into(), REPLACE)).collect(),
                };
                response(PERMISSION_DENIED, Answer::Denied(denied))
            }
        }
    }
}

fn onward(headers: Vec<HeaderOption>, remove: &[&[u8]]) -> CheckResponse {
    let headers_to_remove = remove.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    response(0, Answer::Ok(Onward { headers, headers_to_remove }))
}

fn response(code: i32, answer: Answer) -> CheckResponse {
    CheckResponse { status: Some(RpcStatus { code }), answer: Some(answer) }
}

fn header(name: &str, value: Vec<u8>, append_action: i32) -> HeaderOption {
    HeaderOption { header: Some(Header { key: name.to_owned(), raw_value: value }), append_action }
}

/// Counts and draws as the filters do; the tables of the benchmark ask for nothing else.
struct Nobody;

thread_local! {
    static COUNTERS: RefCell<Counters> = RefCell::new(Counters::default());
    static RANDOM: RefCell<Random> = RefCell::new(Random::new(1));
}

impl Proxy for Nobody {
    fn client(&self) -> Option<IpAddr> {
        None
    }

    fn uri_san(&self) -> Vec<u8> {
        Vec::new()
    }

    fn draw(&self) -> u64 {
        RANDOM.with_borrow_mut(Random::draw)
    }

    fn count(&self, decision: &Decision<'_>) {
        COUNTERS.with_borrow_mut(|counters| counters.count(decision));
    }
}

impl NamedService for Authorization {
    const NAME: &'static str = "envoy.service.auth.v3.Authorization";
}

impl UnaryService<CheckRequest> for Authorization {
    type Response = CheckResponse;
    type Future = Ready<Result<tonic::Response<CheckResponse>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<CheckRequest>) -> Self::Future {
        ready(Ok(tonic::Response::new(self.0.check(request.into_inner()))))
    }
}

/// The service has one method, so every call is of it.
impl tonic::codegen::Service<Request<Body>> for Authorization {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let codec = ProstCodec::<CheckResponse, CheckRequest>::default();
            Ok(Grpc::new(codec).unary(service, request).await)
        })
    }
}
