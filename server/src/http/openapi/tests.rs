//! Every route of the API, found in its description: a new one is tested here without a word being written.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::document;
use crate::testing::{Answer, Client, Form, TestApp};
use reqwest::{Method, header};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// One operation of the description.
struct Operation {
    method: Method,
    path: String,
    value: Value,
}

impl Operation {
    fn all() -> Vec<Self> {
        let document = serde_json::to_value(document()).unwrap();
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                let value = &item[method.as_str().to_lowercase()];
                if value.is_object() {
                    operations.push(Self { method, path: path.clone(), value: value.clone() });
                }
            }
        }
        assert!(operations.len() > 20, "the description is not whole");
        operations
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The type of the id in the path, such as `ProjectId`.
    fn id_type(&self) -> Option<String> {
        let parameters = self.value["parameters"].as_array()?;
        let mut ids = parameters.iter().filter(|parameter| parameter["in"] == "path");
        let id = ids.next()?;
        assert!(ids.next().is_none(), "{}: teach this test paths with two ids", self.name());
        let reference =
            id["schema"]["$ref"].as_str().unwrap_or_else(|| panic!("{}: give the id its type", self.name()));
        Some(reference.rsplit('/').next().unwrap().to_owned())
    }

    fn query_parameters(&self) -> Vec<String> {
        let parameters = self.value["parameters"].as_array().cloned().unwrap_or_default();
        let of_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        of_query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    }

    fn path_with(&self, id: &str) -> String {
        self.path.replace("{id}", id)
    }

    fn json_body(&self) -> Option<&Value> {
        self.value["requestBody"]["content"].get("application/json")
    }

    /// A request that is right but for who sends it.
    async fn send(&self, client: &Client, path: &str) -> Answer {
        let parameters = self.value["parameters"].as_array().cloned().unwrap_or_default();
        let needed = parameters.iter().filter(|parameter| parameter["in"] == "query" && parameter["required"] == true);
        let query: Vec<(String, String)> =
            needed.map(|parameter| (parameter["name"].as_str().unwrap().to_owned(), "Text".to_owned())).collect();
        let request = client.request(self.method.clone(), path).query(&query);
        let request = match &self.value["requestBody"]["content"] {
            Value::Null => request,
            content if content["multipart/form-data"].is_object() => {
                let form = Form::new().file("notes.txt", b"Tenant-proof.");
                request.header(header::CONTENT_TYPE, form.content_type()).body(form.body())
            }
            content => request.json(&example(&content["application/json"]["schema"])),
        };
        client.send(request).await
    }
}

/// The smallest value of a schema.
fn example(schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let document = serde_json::to_value(document()).unwrap();
        return example(document.pointer(reference.trim_start_matches('#')).unwrap());
    }
    if let Some(first) = schema["enum"].as_array().or(schema["oneOf"].as_array()).and_then(|all| all.first()) {
        return if first.is_object() { example(first) } else { first.clone() };
    }
    match schema["type"].as_str() {
        Some("string") if schema["format"] == "uuid" => json!(Uuid::now_v7()),
        // A new one each time: an address that is invited or a member already is a conflict.
        Some("string") if schema["format"] == "email" => json!(format!("{}@example.com", Uuid::now_v7())),
        Some("string") => json!("Text"),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        _ => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let fields = required.iter().map(|name| {
                let name = name.as_str().unwrap();
                (name.to_owned(), example(&schema["properties"][name]))
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
    }
}

/// Something of each type that has an id, all of one person's.
async fn belongings(app: &TestApp, owner: &Client) -> HashMap<&'static str, Uuid> {
    let workspace = owner.new_workspace("Nord").await;
    let project = owner.new_project(workspace, "Launch").await;
    let document = owner.new_document(project, "brief.txt", "The launch is on the third of May.").await;
    let conversation = owner.post(&format!("/api/v1/projects/{project}/conversations"), &json!({})).await.id();
    let message = Uuid::now_v7();
    let mut sql = app.sql().await;
    sqlx::query(
        "insert into messages (id, workspace_id, conversation_id, author, state, content)
         values ($1, $2, $3, 'assistant', 'complete', 'On the third of May.')",
    )
    .bind(message)
    .bind(workspace)
    .bind(conversation)
    .execute(&mut sql)
    .await
    .unwrap();
    let colleague = Uuid::now_v7();
    sqlx::query(
        "with made as (insert into users (id, email, display_name) values ($1, $1 || '@example.com', 'Mia') returning id)
         insert into members (id, workspace_id, user_id, role) select $1, $2, id, 'member' from made",
    )
    .bind(colleague)
    .bind(workspace)
    .execute(&mut sql)
    .await
    .unwrap();
    let invitation = json!({ "email": "guest@example.com", "role": "viewer" });
    let invited: Value =
        owner.post(&format!("/api/v1/workspaces/{workspace}/invitations"), &invitation).await.json(201);
    let key = json!({ "name": "Import", "scope": "write" });
    let made: Value = owner.post(&format!("/api/v1/workspaces/{workspace}/api-keys"), &key).await.json(201);
    let id = |value: &Value| value["id"].as_str().unwrap().parse::<Uuid>().unwrap();
    HashMap::from([
        ("MemberId", colleague),
        ("InvitationId", id(&invited["invitation"])),
        ("ApiKeyId", id(&made["key"])),
        ("WorkspaceId", workspace),
        ("ProjectId", project),
        ("DocumentId", document),
        ("ConversationId", conversation),
        ("MessageId", message),
    ])
}

fn id_of(operation: &Operation, belongings: &HashMap<&'static str, Uuid>) -> Option<Uuid> {
    let id_type = operation.id_type()?;
    Some(
        *belongings
            .get(id_type.as_str())
            .unwrap_or_else(|| panic!("{}: make a {id_type} in `belongings`", operation.name())),
    )
}

#[tokio::test]
async fn what_belongs_to_another_is_not_there() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let belongings = belongings(&app, &ada).await;
    // Eve has a workspace of her own, so that nothing fails only because she has none.
    eve.new_workspace("Elsewhere").await;

    let mut absent = HashMap::new();
    for operation in Operation::all() {
        let Some(id) = id_of(&operation, &belongings) else { continue };
        let answer = operation.send(&eve, &operation.path_with(&id.to_string())).await;
        assert_eq!(answer.status, 404, "{}: {}", operation.name(), answer.text());
        let problem = answer.problem(404);
        // Word for word what an id gives that nobody has.
        let nobodys = operation.send(&eve, &operation.path_with(&Uuid::now_v7().to_string())).await.problem(404);
        assert_eq!(problem["detail"], nobodys["detail"], "{}", operation.name());
        absent.insert(operation.name(), id);
    }
    assert!(absent.len() > 15);
    // And it is all still there.
    for operation in Operation::all().iter().filter(|operation| operation.method == Method::GET) {
        let Some(id) = id_of(operation, &belongings) else { continue };
        // Searching takes the model, and events do not end: both have tests of their own.
        if operation.value["responses"]["200"]["content"].get("text/event-stream").is_none()
            && operation.query_parameters().iter().all(|name| name != "q")
        {
            let answer = operation.send(&ada, &operation.path_with(&id.to_string())).await;
            assert_eq!(answer.status, 200, "{}: {}", operation.name(), answer.text());
        }
    }
}

#[tokio::test]
async fn without_a_login_nothing_is_to_be_had() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let belongings = belongings(&app, &ada).await;
    for operation in Operation::all() {
        let id = id_of(&operation, &belongings).unwrap_or_default().to_string();
        let path = operation.path_with(&id);
        let answer = operation.send(&app.anonymous(), &path).await;
        assert_eq!(answer.status, 401, "{}: {}", operation.name(), answer.text());
        answer.problem(401);
        assert_eq!(answer.header("www-authenticate"), "Bearer");

        let nonsense = app.anonymous().request(operation.method.clone(), &path).bearer_auth("not.a.token");
        assert_eq!(ada.send(nonsense).await.status, 401, "{}", operation.name());
    }
}

#[tokio::test]
async fn a_role_allows_what_it_should_and_no_more() {
    let app = TestApp::start().await;
    let (ada, vic) = (app.user("ada").await, app.user("vic").await);
    vic.get("/api/v1/me").await.expect(200);
    let needed: HashMap<&str, &str> = HashMap::from([
        ("PATCH /api/v1/workspaces/{id}", "admin"),
        ("DELETE /api/v1/workspaces/{id}", "owner"),
        ("PATCH /api/v1/members/{id}", "admin"),
        ("DELETE /api/v1/members/{id}", "admin"),
        ("POST /api/v1/members/{id}/ownership", "owner"),
        ("GET /api/v1/workspaces/{id}/invitations", "admin"),
        ("POST /api/v1/workspaces/{id}/invitations", "admin"),
        ("DELETE /api/v1/invitations/{id}", "admin"),
        ("POST /api/v1/workspaces/{id}/api-keys", "viewer"),
        ("DELETE /api/v1/api-keys/{id}", "admin"),
        ("POST /api/v1/workspaces/{id}/projects", "member"),
        ("PATCH /api/v1/projects/{id}", "member"),
        ("DELETE /api/v1/projects/{id}", "admin"),
        ("POST /api/v1/projects/{id}/documents", "member"),
        ("DELETE /api/v1/documents/{id}", "member"),
        ("POST /api/v1/documents/{id}/retry", "member"),
    ]);
    let ranks = ["viewer", "member", "admin", "owner"];
    let rank = |role: &str| ranks.iter().position(|known| *known == role).unwrap();
    let operations = Operation::all();
    for operation in &needed {
        assert!(operations.iter().any(|known| known.name() == *operation.0), "{} is gone", operation.0);
    }
    let belongings = belongings(&app, &ada).await;
    for role in ["viewer", "member", "admin"] {
        let mut sql = app.sql().await;
        sqlx::query(
            "insert into members (workspace_id, user_id, role) values ($1, $2, $3)
             on conflict (workspace_id, user_id) do update set role = excluded.role",
        )
        .bind(belongings["WorkspaceId"])
        .bind(vic.user_id())
        .bind(role)
        .execute(&mut sql)
        .await
        .unwrap();
        for operation in &operations {
            let Some(needed) = needed.get(operation.name().as_str()) else { continue };
            let id = id_of(operation, &belongings).unwrap().to_string();
            // What is allowed and destroys is left out: the other routes need what it would destroy.
            if rank(role) >= rank(needed) && operation.method == Method::DELETE {
                continue;
            }
            let answer = operation.send(&vic, &operation.path_with(&id)).await;
            if rank(role) < rank(needed) {
                assert_eq!(answer.status, 403, "{role}: {}: {}", operation.name(), answer.text());
                answer.problem(403);
            } else {
                assert!(answer.status < 300 || answer.status == 409, "{role}: {}: {}", operation.name(), answer.text());
            }
        }
    }
}

#[tokio::test]
async fn a_malformed_id_is_not_found() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let long = "a".repeat(2000);
    let negative = "-1".to_owned();
    for operation in Operation::all().iter().filter(|operation| operation.id_type().is_some()) {
        for id in ["nonsense", "0", "%00", "%ff", "..%2f..", "' or 1=1 --", &negative, &long] {
            let answer = operation.send(&ada, &operation.path_with(id)).await;
            assert_eq!(answer.status, 404, "{} with {id:?}: {}", operation.name(), answer.text());
            answer.problem(404);
        }
    }
}

#[tokio::test]
async fn a_malformed_body_or_query_is_the_clients_fault() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let belongings = belongings(&app, &ada).await;
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
        let id = id_of(&operation, &belongings).unwrap_or_default().to_string();
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
                let answer = ada.send(ada.request(operation.method.clone(), &format!("{path}?{name}={value}"))).await;
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
