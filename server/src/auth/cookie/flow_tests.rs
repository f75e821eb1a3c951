#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

const NOW: u64 = 1_800_000_000;

fn flow(verifier: &str, next: Option<&str>, begun: u64) -> Flow {
    Flow { verifier: verifier.to_owned(), kind: FlowKind::Recovery, next: next.map(str::to_owned), begun }
}

/// What comes back of `flows` in the next request of a browser that had `jar`.
fn next_request(
    cookies: SessionCookies,
    jar: &mut BTreeMap<String, String>,
    flows: &[Flow],
    now: u64,
) -> ReceivedFlows {
    let received = cookies.read_flows(&request(jar), now);
    for header in cookies.set_flows(flows, &received) {
        let text = header.to_str().unwrap();
        assert!(text.len() < 4096, "a browser drops it: {} bytes", text.len());
        assert!(text.contains("; HttpOnly; SameSite=Lax"), "{text}");
        let (pair, attributes) = text.split_once(';').unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        match attributes.contains("Max-Age=0") {
            true => drop(jar.remove(name)),
            false => drop(jar.insert(name.to_owned(), value.to_owned())),
        }
    }
    cookies.read_flows(&request(jar), now)
}

fn request(jar: &BTreeMap<String, String>) -> HeaderMap {
    let text = jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, HeaderValue::from_str(&text).unwrap());
    headers
}

#[test]
fn any_flows_come_back_as_they_went() {
    let mut rng = StdRng::seed_from_u64(20_261_124);
    let mut jar = BTreeMap::from([("theme".to_owned(), "dark".to_owned())]);
    for round in 0..500 {
        let cookies = SessionCookies::new(round % 2 == 0);
        let flows: Vec<Flow> = (0..rng.random_range(0..=3))
            .map(|_| {
                let length = rng.random_range(0..600);
                let path: String = (0..length).map(|_| rng.random::<char>()).collect();
                let next = Some(format!("/{path}")).filter(|next| safe_next(next).is_some());
                let verifier: String = (0..43).map(|_| char::from(rng.random_range(b'!'..=b'~'))).collect();
                flow(&verifier, next.as_deref(), NOW - rng.random_range(0..3600))
            })
            .collect();
        assert_eq!(next_request(cookies, &mut jar, &flows, NOW).flows, flows, "round {round}");
    }
    next_request(SessionCookies::new(true), &mut jar, &[], NOW);
    next_request(SessionCookies::new(false), &mut jar, &[], NOW);
    assert_eq!(jar.into_keys().collect::<Vec<_>>(), ["theme"], "nothing of ours is left");
}

#[test]
fn the_last_three_are_kept_for_an_hour() {
    let cookies = SessionCookies::new(true);
    let flows: Vec<Flow> = ["a", "b", "c", "d"].map(|verifier| flow(verifier, None, NOW)).into();
    let mut jar = BTreeMap::new();
    assert_eq!(next_request(cookies, &mut jar, &flows, NOW).flows, flows[1..]);
    assert_eq!(cookies.read_flows(&request(&jar), NOW + 3599).flows.len(), 3);
    assert!(cookies.read_flows(&request(&jar), NOW + 3600).flows.is_empty());
    assert!(cookies.read_flows(&request(&jar), NOW - 1).flows.is_empty(), "from the future");
}

#[test]
fn nonsense_is_no_flow() {
    let cookies = SessionCookies::new(true);
    let encoded = |json: &str| BASE64_URL_SAFE_NO_PAD.encode(json);
    let elsewhere = r#"[{"verifier":"v","kind":"recovery","next":"//evil.example","begun":1800000000}]"#;
    for value in ["", "%", "!!!", &encoded("{}"), &encoded("[1]"), &encoded(elsewhere), &encoded("[")] {
        let jar = BTreeMap::from([("__Host-atelier-flow".to_owned(), value.to_owned())]);
        assert!(cookies.read_flows(&request(&jar), NOW).flows.is_empty(), "{value}");
    }
    assert!(!format!("{:?}", flow("secret", None, NOW)).contains("secret"));
}
