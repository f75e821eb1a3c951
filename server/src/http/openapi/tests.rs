//! Every operation of the API, found in its description: a new one is tested here without a word being written. Who may
//! do what is in `http::isolation`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::document;
use crate::testing::{Belongings, Operation, TestApp, example};
use reqwest::{Method, header};
use serde_json::{Value, json};

#[tokio::test]
async fn a_malformed_body_or_query_is_the_clients_fault() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let belongings = Belongings::of(&app, &ada).await;
    let deep = "[".repeat(100_000);
    let bodies = [
        "",
        "{",
        "null",
        "[]",
        "\"\"",
        "1",
        "{\"name\":5}",
        "{\"name\":\"\\u0000\"}",
        "{\"text\":\"\\u0000\"}",
        "\u{0}",
        "{}}",
        "{\"name\":null,\"text\":[]}",
        &deep,
    ];
    for operation in Operation::all() {
        let id = belongings.id_for(&operation).unwrap_or_default().to_string();
        let path = operation.path_with(&id);
        if operation.json_body().is_some() {
            let body_is_optional = operation.value["requestBody"]["required"] != true;
            let all_fields_optional = example(&operation.json_body().unwrap()["schema"]) == json!({});
            for body in bodies {
                let request =
                    ada.request(operation.method.clone(), &path).header(header::CONTENT_TYPE, "application/json");
                let answer = ada.send(request.body(body.to_owned())).await;
                let is_allowed = (400..500).contains(&answer.status)
                    || (answer.status < 300 && (body_is_optional || all_fields_optional));
                assert!(is_allowed, "{} with {:.40}: {} {}", operation.name(), body, answer.status, answer.text());
            }
            let request = ada.request(operation.method.clone(), &path).header(header::CONTENT_TYPE, "text/plain");
            ada.send(request.body("{}")).await.problem(415);
        }
        for name in operation.query_parameters() {
            for value in ["", "x", "-1", "1e9", "99999999999999999999", "%00", "%ff", "null", "AAAA", "e30"] {
                let request = ada.request(operation.method.clone(), &format!("{path}?{name}={value}"));
                // A stream does not end by itself, so none may begin.
                if operation.is_stream() {
                    let status = request.send().await.unwrap().status().as_u16();
                    assert!((400..500).contains(&status), "{} with {name}={value}: {status}", operation.name());
                    continue;
                }
                let answer = ada.send(request).await;
                assert!(
                    answer.status < 500,
                    "{} with {name}={value}: {} {}",
                    operation.name(),
                    answer.status,
                    answer.text()
                );
                if answer.status >= 400 {
                    answer.problem(answer.status);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_field_is_named_and_the_request_too() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let problem = ada.post("/api/v1/workspaces", &json!({ "name": "  " })).await.problem(422);
    assert_eq!(problem["errors"], json!([{ "field": "name", "message": "Give it a name." }]));
    assert_eq!(problem["detail"], "Give it a name.");
    assert!(problem["instance"].as_str().is_some_and(|id| !id.is_empty()), "{problem}");

    let problem = ada.post("/api/v1/workspaces", &json!({})).await.problem(422);
    assert_eq!(problem["errors"], json!([{ "field": "name", "message": "This is missing." }]));

    let workspace = ada.new_workspace("Nord").await;
    let brief = json!({ "name": "Launch", "brief": { "client": "x".repeat(201) } });
    let problem = ada.post(&format!("/api/v1/workspaces/{workspace}/projects"), &brief).await.problem(422);
    assert_eq!(problem["errors"][0]["field"], "brief.client");

    let problem = ada.get("/api/v1/workspaces?limit=many").await.problem(422);
    assert_eq!(problem["errors"][0]["field"], "limit");
    let problem = ada.get("/api/v1/workspaces?cursor=e30").await.problem(422);
    assert_eq!(problem["errors"][0]["field"], "cursor");
}

#[tokio::test]
async fn an_unknown_address_or_method_is_a_problem_too() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    ada.get("/api/v1/nothing").await.problem(404);
    ada.get("/api/nothing").await.problem(404);
    ada.get("/api/v1/workspaces/").await.problem(404);
    ada.send(ada.request(Method::PUT, "/api/v1/workspaces")).await.problem(405);
}

#[tokio::test]
async fn the_description_is_served_for_programs_and_for_people() {
    let app = TestApp::start().await;
    let described: Value = app.anonymous().get("/api/openapi.json").await.json(200);
    assert_eq!(described, serde_json::to_value(document()).unwrap());

    let page = app.anonymous().get("/api/docs").await;
    page.expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    let html = page.text();
    assert!(!html.contains("<script"));
    for operation in Operation::all() {
        assert!(html.contains(&operation.path), "{}", operation.name());
    }
    assert!(html.contains("id=\"problem-not-found\""));
}

/// Every operation says who may do it and how it fails, and has a name that no other has.
#[test]
fn the_description_is_whole() {
    let mut names = std::collections::HashSet::new();
    let described = serde_json::to_value(document()).unwrap();
    let tags: Vec<&Value> = described["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    for operation in Operation::all() {
        let name = operation.name();
        assert!(
            operation.value["summary"].as_str().is_some_and(|summary| !summary.is_empty()),
            "{name} has no summary"
        );
        assert!(tags.contains(&&operation.value["tags"][0]), "{name} has no tag that `Api` lists");
        let id = operation.value["operationId"].as_str().unwrap().to_owned();
        assert!(names.insert(id.clone()), "two operations are named {id}");
        let responses = operation.value["responses"].as_object().unwrap();
        assert!(
            responses.values().all(|response| response["description"].is_string()),
            "{name} has a response without description"
        );
        let failure = &operation.value["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"];
        assert_eq!(failure, "#/components/schemas/Problem", "{name}");
    }
}

/// `docs/openapi.json` is reviewed with the code. To renew it: `UPDATE_SNAPSHOTS=1 cargo test -p server openapi`.
#[test]
fn the_snapshot_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let described = serde_json::to_string_pretty(document()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &described).unwrap();
    }
    let snapshot = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        snapshot == described,
        "the API has changed: renew docs/openapi.json with UPDATE_SNAPSHOTS=1 and review the difference"
    );
}
