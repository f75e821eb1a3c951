//! The cookies of one request: what came, and what its response shall set.

use super::{
    Identity,
    cookie::{Flow, ReceivedFlows, ReceivedTokens, SessionTokens},
};
use http::{HeaderMap, HeaderValue, header};
use std::sync::{Arc, Mutex, PoisonError};

/// Shared by the layer, which reads and writes the cookies, and the port, which changes the session.
#[derive(Clone, Debug)]
pub(super) struct SessionJar(Arc<Mutex<JarState>>);

#[derive(Debug)]
struct JarState {
    received: ReceivedTokens,
    change: Option<Change>,
    received_flows: ReceivedFlows,
    flows: Option<Vec<Flow>>,
}

#[derive(Clone, Debug)]
enum Change {
    Set(SessionTokens),
    Clear,
}

impl SessionJar {
    pub(super) fn new(received: ReceivedTokens, received_flows: ReceivedFlows) -> Self {
        Self(Arc::new(Mutex::new(JarState { received, change: None, received_flows, flows: None })))
    }

    pub(super) fn set(&self, tokens: SessionTokens) {
        self.lock().change = Some(Change::Set(tokens));
    }

    pub(super) fn clear(&self) {
        self.lock().change = Some(Change::Clear);
    }

    /// The tokens as they are now: those that came, unless this request has changed them.
    pub(super) fn current(&self) -> (Option<String>, Option<String>) {
        let state = self.lock();
        match &state.change {
            Some(Change::Set(tokens)) => (Some(tokens.access.clone()), Some(tokens.refresh.clone())),
            Some(Change::Clear) => (None, None),
            None => (state.received.access.clone(), state.received.refresh.clone()),
        }
    }

    /// What was begun in this browser, the oldest first.
    pub(super) fn flows(&self) -> Vec<Flow> {
        let state = self.lock();
        state.flows.as_ref().unwrap_or(&state.received_flows.flows).clone()
    }

    pub(super) fn begin(&self, flow: Flow) {
        let mut flows = self.flows();
        flows.push(flow);
        self.lock().flows = Some(flows);
    }

    pub(super) fn end(&self, flow: &Flow) {
        let mut flows = self.flows();
        flows.retain(|other| other != flow);
        self.lock().flows = Some(flows);
    }

    pub(super) fn write(&self, identity: &Identity, headers: &mut HeaderMap) {
        let state = self.lock();
        let mut cookies = match &state.change {
            None => Vec::new(),
            Some(Change::Set(tokens)) => identity.cookies().set(tokens, &state.received),
            Some(Change::Clear) => identity.cookies().clear(&state.received),
        };
        if let Some(flows) = &state.flows {
            cookies.extend(identity.cookies().set_flows(flows, &state.received_flows));
        }
        if state.change.is_none() && state.flows.is_none() {
            return;
        }
        for cookie in cookies {
            headers.append(header::SET_COOKIE, cookie);
        }
        // No cache may hand one person's session to another.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, JarState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
