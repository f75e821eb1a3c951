//! What signs the tokens.

use super::*;
use p256::pkcs8::{EncodePrivateKey, LineEnding};

const SECRET: &str = "a secret of this test alone, which is long enough";

#[tokio::test]
async fn a_shared_secret_signs_where_one_is_set_and_the_app_accepts_it() {
    let gotrue = Gotrue::start_with(&[("SUPABASE_JWT_SECRET", SECRET)]).await;
    let session = gotrue.sign_up("ada@example.com").await;
    let token = session["access_token"].as_str().unwrap();
    assert_eq!(jsonwebtoken::decode_header(token).unwrap().alg, jsonwebtoken::Algorithm::HS256);
    let mut validation = Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.set_audience(&["authenticated"]);
    jsonwebtoken::decode::<Value>(token, &DecodingKey::from_secret(SECRET.as_bytes()), &validation).unwrap();
    gotrue.user(&session).await.ok();
    let me = gotrue.http.get(gotrue.app.url.join("api/v1/workspaces").unwrap()).bearer_auth(token);
    assert_eq!(me.send().await.unwrap().status(), 200);
    let jwks: Value = gotrue
        .http
        .get(gotrue.base.join("auth/v1/.well-known/jwks.json").unwrap())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(jwks["keys"].as_array().unwrap().iter().all(|key| key["kty"] == "EC"), "no secret is published");
}

#[tokio::test]
async fn a_key_that_is_appended_signs_and_the_older_one_still_verifies() {
    let gotrue = Gotrue::start().await;
    let session = gotrue.sign_up("ada@example.com").await;
    let path = gotrue.app.state.config.paths.data.join("identity/keys.json");
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let key = p256::SecretKey::from_slice(&super::super::keys::random::<32>().unwrap()).unwrap();
    let pem = key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
    file["signing_keys"].as_array_mut().unwrap().push(json!({ "kid": "the-second", "private_key": pem }));
    std::fs::write(&path, file.to_string()).unwrap();

    let restarted = gotrue.restarted().await;
    restarted.user(&session).await.ok();
    let renewed = restarted.refresh(&session["refresh_token"]).await.ok();
    let header = jsonwebtoken::decode_header(renewed["access_token"].as_str().unwrap()).unwrap();
    assert_eq!(header.kid.as_deref(), Some("the-second"));
    restarted.user(&renewed).await.ok();
    let jwks: Value = restarted
        .http
        .get(restarted.base.join("auth/v1/.well-known/jwks.json").unwrap())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_ban_counts_at_once_on_every_call() {
    let gotrue = Gotrue::start().await;
    let session = gotrue.sign_up("ada@example.com").await;
    gotrue.execute("update auth.users set banned_until = now() + interval '1 hour'").await;
    for (method, path) in [
        (Method::GET, "/user"),
        (Method::PUT, "/user"),
        (Method::POST, "/logout"),
        (Method::GET, "/reauthenticate"),
        (Method::POST, "/factors"),
        (Method::POST, "/factors/x/challenge"),
        (Method::POST, "/factors/x/verify"),
        (Method::DELETE, "/factors/x"),
    ] {
        gotrue.send_as(&session, method, path, &json!({})).await.is_error(403, "user_banned");
    }
}
