#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, Header, jwk::Jwk};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use std::time::Duration;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

const ISSUER: &str = "https://project.supabase.co/auth/v1";
const SECRET: &str = "a shared secret of at least thirty-two bytes";
const USER: &str = "7f6c1c5e-8d3a-4f0e-9f3a-2f7d4b1c9a10";

const ES256: &[u8] = include_bytes!("keys/es256.pem");
const OTHER_ES256: &[u8] = include_bytes!("keys/other_es256.pem");
const RS256: &[u8] = include_bytes!("keys/rs256.pem");
const EDDSA: &[u8] = include_bytes!("keys/eddsa.pem");

fn keys() -> [(&'static str, Algorithm, EncodingKey); 3] {
    [
        ("es", Algorithm::ES256, EncodingKey::from_ec_pem(ES256).unwrap()),
        ("rs", Algorithm::RS256, EncodingKey::from_rsa_pem(RS256).unwrap()),
        ("ed", Algorithm::EdDSA, EncodingKey::from_ed_pem(EDDSA).unwrap()),
    ]
}

fn jwk(kid: &str, algorithm: Algorithm, key: &EncodingKey) -> Value {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
    jwk.common.key_id = Some(kid.to_owned());
    serde_json::to_value(jwk).unwrap()
}

fn verifier() -> Verifier {
    let published: Vec<Value> = keys().iter().map(|(kid, algorithm, key)| jwk(kid, *algorithm, key)).collect();
    Verifier::new(ISSUER.to_owned(), Jwks::fixed(&json!({ "keys": published })), Some(&SECRET.to_owned().into()))
}

fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": USER, "aud": "authenticated", "exp": now() + 3600, "iat": now(), "email": "ada@example.com",
        "phone": "", "app_metadata": { "provider": "email" }, "user_metadata": { "role": "service_role" }, "role": "authenticated",
        "aal": "aal1", "amr": [{ "method": "password", "timestamp": now() }], "session_id": USER, "is_anonymous": false,
    })
}

/// The good claims with one changed, or taken out where the value is null.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

fn header(kid: &str, algorithm: Algorithm) -> Header {
    Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) }
}

fn es256(claims: &Value) -> String {
    jsonwebtoken::encode(&header("es", Algorithm::ES256), claims, &EncodingKey::from_ec_pem(ES256).unwrap()).unwrap()
}

fn hs256(claims: &Value, secret: &[u8]) -> String {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret)).unwrap()
}

/// A token with any header, signed over exactly these bytes by the ES256 key.
fn es256_with_header(header: &Value, claims: &Value) -> String {
    let message =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let key = EncodingKey::from_ec_pem(ES256).unwrap();
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::ES256).unwrap();
    format!("{message}.{signature}")
}

fn unsigned(header: &Value, claims: &Value, signature: &str) -> String {
    format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

#[tokio::test]
async fn each_algorithm_of_the_provider_verifies() {
    let verifier = verifier();
    for (kid, algorithm, key) in keys() {
        let token = jsonwebtoken::encode(&header(kid, algorithm), &claims(), &key).unwrap();
        let claims = verifier.verify(&token).await.unwrap_or_else(|error| panic!("{kid}: {error}"));
        assert_eq!((claims.sub.to_string().as_str(), claims.email.as_deref()), (USER, Some("ada@example.com")));
    }
    assert!(verifier.verify(&hs256(&claims(), SECRET.as_bytes())).await.is_ok());
    let with_kid = jsonwebtoken::encode(
        &header("legacy", Algorithm::HS256),
        &claims(),
        &EncodingKey::from_secret(SECRET.as_bytes()),
    )
    .unwrap();
    assert!(verifier.verify(&with_kid).await.is_ok(), "older projects name a kid with HS256 too");
}

#[tokio::test]
async fn a_clock_may_differ_a_little() {
    let verifier = verifier();
    assert!(verifier.verify(&es256(&with("exp", json!(now() - 3)))).await.is_ok());
    assert!(verifier.verify(&es256(&with("nbf", json!(now() + 3)))).await.is_ok());
    assert!(matches!(verifier.verify(&es256(&with("exp", json!(now() - 60)))).await, Err(TokenError::Expired)));
}

#[tokio::test]
async fn unusual_but_honest_claims_verify() {
    let verifier = verifier();
    for honest in [
        with("aud", json!(["authenticated"])),
        with("email", Value::Null),
        with("session_id", Value::Null),
        with("is_anonymous", Value::Null),
        with("user_metadata", json!({ "name": "Ådå \u{1F984}", "nested": [[[{}]]] })),
    ] {
        assert!(verifier.verify(&es256(&honest)).await.is_ok(), "{honest}");
    }
}

/// Every way that is known to get past a verifier, by name.
fn forged() -> Vec<(&'static str, String)> {
    let good = es256(&claims());
    let parts: Vec<&str> = good.split('.').collect();
    let (head, body, signature) = (parts[0], parts[1], parts[2]);
    let es_public = String::from_utf8(DecodingKeyBytes::of(ES256)).unwrap_or_default();
    let rs_jwk = jwk("rs", Algorithm::RS256, &keys()[1].2);
    let other = EncodingKey::from_ec_pem(OTHER_ES256).unwrap();
    let mut flipped = URL_SAFE_NO_PAD.decode(signature).unwrap();
    flipped[10] ^= 1;
    let admin = URL_SAFE_NO_PAD.encode(with("sub", json!("00000000-0000-4000-8000-000000000001")).to_string());
    let mut duplicate = claims().to_string();
    duplicate.insert_str(duplicate.len() - 1, r#","role":"authenticated""#);
    let signed_text = |text: &str| {
        let message = format!("{head}.{}", URL_SAFE_NO_PAD.encode(text));
        let key = EncodingKey::from_ec_pem(ES256).unwrap();
        format!("{message}.{}", jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::ES256).unwrap())
    };
    vec![
        ("empty", String::new()),
        ("no token", "null".to_owned()),
        ("a publishable key", "sb_publishable_abcdefghijklmnop".to_owned()),
        ("one part", head.to_owned()),
        ("two parts", format!("{head}.{body}")),
        ("four parts", format!("{good}.{signature}")),
        ("empty signature", format!("{head}.{body}.")),
        ("empty payload", format!("{head}..{signature}")),
        ("empty header", format!(".{body}.{signature}")),
        ("dots alone", "..".to_owned()),
        ("padding", format!("{head}.{body}.{signature}=")),
        ("a line break at the end", format!("{good}\n")),
        ("a space before", format!(" {good}")),
        ("standard base64", format!("{head}.{body}.{}", "+/".repeat(43))),
        ("no base64", format!("{head}.{body}.§§§")),
        ("a flipped bit", format!("{head}.{body}.{}", URL_SAFE_NO_PAD.encode(&flipped))),
        ("a short signature", format!("{head}.{body}.{}", URL_SAFE_NO_PAD.encode([1_u8; 8]))),
        ("a signature of zeros", format!("{head}.{body}.{}", URL_SAFE_NO_PAD.encode([0_u8; 64]))),
        ("another payload", format!("{head}.{admin}.{signature}")),
        ("too long", format!("{head}.{}.{signature}", "A".repeat(64 * 1024))),
        ("payload is no JSON", signed_text("not json")),
        ("payload is a list", signed_text("[]")),
        ("payload is a string", signed_text("\"x\"")),
        ("a claim twice", signed_text(&duplicate)),
        ("alg none", unsigned(&json!({ "alg": "none", "typ": "JWT" }), &claims(), "")),
        ("alg None with a signature", unsigned(&json!({ "alg": "None", "kid": "es" }), &claims(), signature)),
        ("alg nOnE", unsigned(&json!({ "alg": "nOnE" }), &claims(), "")),
        ("alg missing", unsigned(&json!({ "kid": "es" }), &claims(), signature)),
        ("alg of another key", es256_with_header(&json!({ "alg": "ES256", "kid": "rs" }), &claims())),
        ("alg RS256 over an EC key", es256_with_header(&json!({ "alg": "RS256", "kid": "es" }), &claims())),
        ("alg ES384", es256_with_header(&json!({ "alg": "ES384", "kid": "es" }), &claims())),
        ("no kid", es256_with_header(&json!({ "alg": "ES256" }), &claims())),
        ("an unknown kid", es256_with_header(&json!({ "alg": "ES256", "kid": "nobody" }), &claims())),
        ("a path as kid", es256_with_header(&json!({ "alg": "ES256", "kid": "../../dev/null" }), &claims())),
        (
            "a critical extension",
            es256_with_header(&json!({ "alg": "ES256", "kid": "es", "crit": ["x"], "x": 1 }), &claims()),
        ),
        ("another type", es256_with_header(&json!({ "alg": "ES256", "kid": "es", "typ": "dpop+jwt" }), &claims())),
        ("its own key in the header", {
            let header = json!({ "alg": "ES256", "kid": "mine", "jwk": jwk("mine", Algorithm::ES256, &other) });
            let message = format!("{}.{body}", URL_SAFE_NO_PAD.encode(header.to_string()));
            format!("{message}.{}", jsonwebtoken::crypto::sign(message.as_bytes(), &other, Algorithm::ES256).unwrap())
        }),
        (
            "another's key under our kid",
            jsonwebtoken::encode(&header("es", Algorithm::ES256), &claims(), &other).unwrap(),
        ),
        ("the public key as HMAC secret", hs256(&claims(), es_public.as_bytes())),
        ("the RSA modulus as HMAC secret", hs256(&claims(), rs_jwk["n"].as_str().unwrap().as_bytes())),
        ("a guessed secret", hs256(&claims(), b"secret")),
        ("an empty secret", hs256(&claims(), b"")),
        ("HS512 with the right secret", {
            jsonwebtoken::encode(
                &Header::new(Algorithm::HS512),
                &claims(),
                &EncodingKey::from_secret(SECRET.as_bytes()),
            )
            .unwrap()
        }),
        ("expired", es256(&with("exp", json!(now() - 3600)))),
        ("no exp", es256(&with("exp", Value::Null))),
        ("exp as text", es256(&with("exp", json!("9999999999")))),
        ("exp negative", es256(&with("exp", json!(-1)))),
        ("not yet valid", es256(&with("nbf", json!(now() + 3600)))),
        ("no sub", es256(&with("sub", Value::Null))),
        ("sub is no UUID", es256(&with("sub", json!("admin")))),
        ("sub is nobody", es256(&with("sub", json!("00000000-0000-0000-0000-000000000000")))),
        ("no aud", es256(&with("aud", Value::Null))),
        ("another aud", es256(&with("aud", json!("anon")))),
        ("no aud in the list", es256(&with("aud", json!([])))),
        ("no iss", es256(&with("iss", Value::Null))),
        ("another iss", es256(&with("iss", json!("https://other.supabase.co/auth/v1")))),
        ("iss with a suffix", es256(&with("iss", json!(format!("{ISSUER}/"))))),
        ("ours among several iss", es256(&with("iss", json!(["https://evil.example", ISSUER])))),
        ("no role", es256(&with("role", Value::Null))),
        ("role anon", es256(&with("role", json!("anon")))),
        ("role service_role", es256(&with("role", json!("service_role")))),
        ("role in other letters", es256(&with("role", json!("Authenticated")))),
        ("an anonymous visitor", es256(&with("is_anonymous", json!(true)))),
        ("an anon key that says whose it is", hs256(&with("role", json!("anon")), SECRET.as_bytes())),
        ("a service_role key that says whose it is", hs256(&with("role", json!("service_role")), SECRET.as_bytes())),
        ("a token in a token", signed_text(&json!(es256(&claims())).to_string())),
        ("claims in claims", signed_text(&json!({ "claims": claims() }).to_string())),
        ("another's kid under the HMAC secret", {
            let header = header("es", Algorithm::HS256);
            jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(es_public.as_bytes())).unwrap()
        }),
        (
            "no critical extension, but crit",
            es256_with_header(&json!({ "alg": "ES256", "kid": "es", "crit": [] }), &claims()),
        ),
        (
            "unencoded payload",
            es256_with_header(&json!({ "alg": "ES256", "kid": "es", "b64": false, "crit": ["b64"] }), &claims()),
        ),
        (
            "exp that overflows",
            signed_text(&claims().to_string().replace(&format!("\"exp\":{}", claims()["exp"]), "\"exp\":1e400")),
        ),
        ("exp as a float beyond all time", es256(&with("exp", json!(1e300)))),
        ("role as a list", es256(&with("role", json!(["authenticated"])))),
        ("sub as a number", es256(&with("sub", json!(1)))),
        ("session_id is no UUID", es256(&with("session_id", json!("1")))),
        (
            "the legacy anon key",
            hs256(
                &json!({ "iss": "supabase", "ref": "project", "role": "anon", "iat": now(), "exp": now() + 9999 }),
                SECRET.as_bytes(),
            ),
        ),
        (
            "the legacy service_role key",
            hs256(
                &json!({ "iss": "supabase", "ref": "project", "role": "service_role", "iat": now(), "exp": now() + 9999 }),
                SECRET.as_bytes(),
            ),
        ),
    ]
}

/// The public key's PEM, which careless verifiers take as an HMAC secret.
struct DecodingKeyBytes;

impl DecodingKeyBytes {
    fn of(private: &[u8]) -> Vec<u8> {
        use p256::pkcs8::{DecodePrivateKey, EncodePublicKey, LineEnding};
        let key = p256::SecretKey::from_pkcs8_pem(std::str::from_utf8(private).unwrap()).unwrap();
        key.public_key().to_public_key_pem(LineEnding::LF).unwrap().into_bytes()
    }
}

#[tokio::test]
async fn every_forged_or_malformed_token_is_refused() {
    let verifier = verifier();
    let forged = forged();
    assert!(forged.len() >= 30);
    for (name, token) in forged {
        match verifier.verify(&token).await {
            Err(TokenError::Invalid(_)) => {}
            Err(TokenError::Expired) => assert_eq!(name, "expired"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_token_that_was_good_is_refused_once_it_has_expired() {
    let verifier = verifier();
    let token = es256(&claims());
    assert!(verifier.verify(&token).await.is_ok());
    assert!(verifier.verify_at(&token, now() + 3_600).await.is_ok(), "within the leeway");
    assert!(matches!(verifier.verify_at(&token, now() + 3_620).await, Err(TokenError::Expired)));
}

#[tokio::test]
async fn a_token_that_was_good_is_refused_once_its_key_is_another() {
    let server = MockServer::start().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let jwks = Jwks::remote(http, server.uri()).with_times(Duration::ZERO, Duration::ZERO);
    let verifier = Verifier::new(ISSUER.to_owned(), jwks, None);
    let token = es256(&claims());
    for (key, counts) in [(ES256, true), (ES256, true), (OTHER_ES256, false), (ES256, true)] {
        let published = jwk("es", Algorithm::ES256, &EncodingKey::from_ec_pem(key).unwrap());
        server.reset().await;
        let answer = ResponseTemplate::new(200).set_body_json(json!({ "keys": [published] }));
        Mock::given(method("GET")).respond_with(answer).mount(&server).await;
        assert_eq!(verifier.verify(&token).await.is_ok(), counts);
    }
}

#[tokio::test]
async fn without_the_secret_no_shared_secret_counts() {
    let verifier = Verifier::new(ISSUER.to_owned(), Jwks::fixed(&json!({ "keys": [] })), None);
    for secret in [SECRET, ""] {
        assert!(matches!(verifier.verify(&hs256(&claims(), secret.as_bytes())).await, Err(TokenError::Invalid(_))));
    }
    let problem = verifier.check().await.unwrap_err();
    assert!(problem.contains("SUPABASE_JWT_SECRET"), "{problem}");
}

#[tokio::test]
async fn a_symmetric_or_unfit_key_in_the_published_set_is_left_out() {
    let symmetric = json!({ "kty": "oct", "kid": "sym", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(SECRET) });
    let mut encryption = jwk("enc", Algorithm::ES256, &keys()[0].2);
    encryption["use"] = json!("enc");
    let mut misnamed = jwk("misnamed", Algorithm::ES256, &keys()[0].2);
    misnamed["alg"] = json!("RS256");
    let verifier = Verifier::new(
        ISSUER.to_owned(),
        Jwks::fixed(&json!({ "keys": [symmetric, encryption, misnamed, { "kty": "?" }, 7] })),
        None,
    );
    let symmetric =
        jsonwebtoken::encode(&header("sym", Algorithm::HS256), &claims(), &EncodingKey::from_secret(SECRET.as_bytes()))
            .unwrap();
    assert!(verifier.verify(&symmetric).await.is_err());
    for kid in ["enc", "misnamed"] {
        let token = jsonwebtoken::encode(&header(kid, Algorithm::ES256), &claims(), &keys()[0].2).unwrap();
        assert!(verifier.verify(&token).await.is_err(), "{kid}");
    }
}

/// What the verifier says, outside of an async test.
fn verify(verifier: &Verifier, token: &str) -> Result<Arc<Claims>, TokenError> {
    futures::executor::block_on(verifier.verify(token))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Each byte of a token counts. (Of the last character of a part only some bits are data: `URL_SAFE_NO_PAD` refuses
    /// the others.)
    #[test]
    fn a_token_with_any_byte_changed_is_refused(at: prop::sample::Index, byte in b'!'..=b'~', cut: bool) {
        let verifier = verifier();
        for good in [es256(&claims()), hs256(&claims(), SECRET.as_bytes())] {
            prop_assert!(verify(&verifier, &good).is_ok());
            let mut bytes = good.clone().into_bytes();
            let at = at.index(bytes.len());
            if cut {
                bytes.remove(at);
            } else {
                bytes[at] = byte;
            }
            let changed = String::from_utf8(bytes).unwrap();
            prop_assume!(changed != good);
            prop_assert!(matches!(verify(&verifier, &changed), Err(TokenError::Invalid(_))), "{}", changed);
        }
    }

    #[test]
    fn no_text_is_a_token_by_chance(parts in vec(prop_oneof!["\\PC{0,60}", "[A-Za-z0-9_-]{0,120}", "[{}\\[\\]\":,a-z0-9]{0,60}"], 0..5), encode: bool) {
        let parts = parts.iter().map(|part| if encode { URL_SAFE_NO_PAD.encode(part) } else { part.clone() });
        let token = parts.collect::<Vec<_>>().join(".");
        prop_assert!(matches!(verify(&verifier(), &token), Err(TokenError::Invalid(_))), "{}", token);
    }

    /// Any header and any claims under no key of ours.
    #[test]
    fn no_header_and_no_claims_help_without_the_key(alg in "(none|None|HS256|HS512|ES256|RS256|EdDSA|[A-Z0-9]{0,6})", kid in "(es|rs|ed|[a-z]{0,4})", secret in vec(any::<u8>(), 0..40)) {
        let head = json!({ "alg": alg, "kid": kid, "typ": "JWT" });
        let message = unsigned(&head, &claims(), "");
        let message = message.trim_end_matches('.');
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &EncodingKey::from_secret(&secret), Algorithm::HS256).unwrap();
        prop_assume!(secret != SECRET.as_bytes());
        let token = format!("{message}.{signature}");
        prop_assert!(matches!(verify(&verifier(), &token), Err(TokenError::Invalid(_))), "{}", token);
    }
}
