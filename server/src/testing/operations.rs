//! The operations of the JSON API, as its description has them, and something for each id in their paths.

use super::{Answer, Client, Form, TestApp};
use crate::http::openapi::document;
use domain::workspaces::Role;
use reqwest::{Method, header};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// The type of a chunk of an upload.
const CHUNK: &str = "application/offset+octet-stream";

/// One operation of the description.
pub(crate) struct Operation {
    pub method: Method,
    pub path: String,
    pub value: Value,
}

impl Operation {
    pub fn all() -> Vec<Self> {
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

    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The type of the id in the path, such as `ProjectId`.
    pub fn id_type(&self) -> Option<String> {
        let parameters = self.value["parameters"].as_array()?;
        let mut ids = parameters.iter().filter(|parameter| parameter["in"] == "path");
        let id = ids.next()?;
        assert!(ids.next().is_none(), "{}: teach this test paths with two ids", self.name());
        let reference =
            id["schema"]["$ref"].as_str().unwrap_or_else(|| panic!("{}: give the id its type", self.name()));
        Some(reference.rsplit('/').next().unwrap().to_owned())
    }

    pub fn query_parameters(&self) -> Vec<String> {
        let parameters = self.value["parameters"].as_array().cloned().unwrap_or_default();
        let of_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        of_query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    }

    pub fn path_with(&self, id: &str) -> String {
        self.path.replace("{id}", id)
    }

    pub fn json_body(&self) -> Option<&Value> {
        self.value["requestBody"]["content"].get("application/json")
    }

    /// A request that is right but for who sends it.
    pub async fn send(&self, client: &Client, path: &str) -> Answer {
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
            content if content[CHUNK].is_object() => {
                let request = request.header(header::CONTENT_TYPE, CHUNK).header("upload-offset", "0");
                request.body(Belongings::UPLOADED)
            }
            content => request.json(&example(&content["application/json"]["schema"])),
        };
        client.send(request).await
    }
}

/// The smallest value of a schema.
pub(crate) fn example(schema: &Value) -> Value {
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
        Some("string") if schema["format"] == "uri" => json!("https://example.com/page"),
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

/// What needs more than the role viewer. An operation that is not here is for every member.
const NEEDED: &[(&str, Role)] = &[
    ("PATCH /api/v1/workspaces/{id}", Role::Admin),
    ("DELETE /api/v1/workspaces/{id}", Role::Owner),
    ("PATCH /api/v1/members/{id}", Role::Admin),
    ("DELETE /api/v1/members/{id}", Role::Admin),
    ("POST /api/v1/members/{id}/ownership", Role::Owner),
    ("GET /api/v1/workspaces/{id}/invitations", Role::Admin),
    ("POST /api/v1/workspaces/{id}/invitations", Role::Admin),
    ("DELETE /api/v1/invitations/{id}", Role::Admin),
    ("DELETE /api/v1/api-keys/{id}", Role::Admin),
    ("POST /api/v1/workspaces/{id}/projects", Role::Member),
    ("PATCH /api/v1/projects/{id}", Role::Member),
    ("DELETE /api/v1/projects/{id}", Role::Admin),
    ("POST /api/v1/projects/{id}/documents", Role::Member),
    ("POST /api/v1/projects/{id}/links", Role::Member),
    ("POST /api/v1/projects/{id}/uploads", Role::Member),
    ("POST /api/v1/documents/{id}/fetch", Role::Member),
    ("GET /api/v1/documents/{id}/shares", Role::Member),
    ("POST /api/v1/documents/{id}/shares", Role::Member),
    ("DELETE /api/v1/shares/{id}", Role::Admin),
    ("PUT /api/v1/documents/{id}/publication", Role::Member),
    ("DELETE /api/v1/documents/{id}/publication", Role::Member),
    ("POST /api/v1/projects/{id}/folders", Role::Member),
    ("POST /api/v1/projects/{id}/move", Role::Member),
    ("PATCH /api/v1/folders/{id}", Role::Member),
    ("DELETE /api/v1/folders/{id}", Role::Member),
    ("POST /api/v1/projects/{id}/trash", Role::Member),
    ("POST /api/v1/projects/{id}/trash/restore", Role::Member),
    ("POST /api/v1/projects/{id}/trash/delete", Role::Member),
    ("DELETE /api/v1/projects/{id}/trash", Role::Member),
    ("POST /api/v1/projects/{id}/written-documents", Role::Member),
    ("PUT /api/v1/documents/{id}/text", Role::Member),
    // For draft and review; what needs an admin is tested beside the code.
    ("POST /api/v1/documents/{id}/status", Role::Member),
    ("POST /api/v1/versions/{id}/restore", Role::Member),
    ("DELETE /api/v1/documents/{id}", Role::Member),
    ("PUT /api/v1/documents/{id}/file", Role::Member),
    ("POST /api/v1/documents/{id}/retry", Role::Member),
    // A viewer may do this to what they began themselves; all of `Belongings` is the owner's.
    ("PATCH /api/v1/conversations/{id}", Role::Member),
    ("DELETE /api/v1/conversations/{id}", Role::Member),
    ("PUT /api/v1/conversations/{id}/scope", Role::Member),
    ("PUT /api/v1/conversations/{id}/model", Role::Member),
    ("POST /api/v1/messages/{id}/stop", Role::Member),
    ("POST /api/v1/tool-calls/{id}/decision", Role::Member),
    ("PUT /api/v1/documents/{id}/in-chat", Role::Member),
];

/// What only its maker sees: for every other member there is no such thing, whatever their role.
const PERSONAL: &[&str] = &["UploadId"];

impl Operation {
    pub fn is_personal(&self) -> bool {
        self.id_type().is_some_and(|id_type| PERSONAL.contains(&id_type.as_str()))
    }

    pub fn needs(&self) -> Role {
        let name = self.name();
        NEEDED.iter().find(|(known, _)| *known == name).map_or(Role::Viewer, |(_, role)| *role)
    }

    /// Those that [`NEEDED`] names, which must all exist, and those on what is their maker's alone.
    pub fn with_roles() -> Vec<Self> {
        let all = Self::all();
        for (name, _) in NEEDED {
            assert!(all.iter().any(|known| known.name() == *name), "{name} is gone");
        }
        all.into_iter().filter(|operation| operation.needs() > Role::Viewer || operation.is_personal()).collect()
    }

    /// Whether the answer does not end by itself.
    pub fn is_stream(&self) -> bool {
        self.value["responses"]["200"]["content"].get("text/event-stream").is_some()
    }
}

/// One of each thing that has an id, all of one person's and in one workspace.
#[derive(Clone, Debug)]
pub(crate) struct Belongings(HashMap<&'static str, Uuid>);

impl Belongings {
    /// Words that stand in the names and texts of all of them, and nowhere else.
    pub const MARK: &str = "Zimtstern";

    /// The whole of the file whose upload is among them.
    pub const UPLOADED: &str = "Ten bytes.";

    pub async fn of(app: &TestApp, owner: &Client) -> Self {
        let mark = Self::MARK;
        let workspace = owner.new_workspace(&format!("{mark} workspace")).await;
        let project = owner.new_project(workspace, &format!("{mark} project")).await;
        let text = format!("The launch of {mark} is on the third of May.");
        // Written here, because that has all that a file has, and a text besides.
        let document = json!({ "title": format!("{mark} plan"), "text": text });
        let document = owner.post(&format!("/api/v1/projects/{project}/written-documents"), &document).await.id();
        let versions: Value = owner.get(&format!("/api/v1/documents/{document}/versions")).await.json(200);
        let version = versions["items"][0]["id"].as_str().and_then(|id| id.parse().ok()).expect("a version");
        let folder = owner.new_folder(project, None, &format!("{mark} folder")).await;
        let upload = json!({ "name": format!("{mark} long.txt"), "size_bytes": Self::UPLOADED.len() });
        let upload = owner.post(&format!("/api/v1/projects/{project}/uploads"), &upload).await.id();
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
        let tool_call = Uuid::now_v7();
        sqlx::query(
            "insert into tool_calls (id, workspace_id, message_id, round, seq, model_call_id, name, label, arguments, state, result)
             values ($1, $2, $3, 0, 0, 'call_1', 'trash_document', $4, '{}', 'done', 'Moved.')",
        )
        .bind(tool_call)
        .bind(workspace)
        .bind(message)
        .bind(format!("Move {mark} to the trash"))
        .execute(&mut sql)
        .await
        .unwrap();
        let colleague = Uuid::now_v7();
        sqlx::query(
            "with made as (insert into users (id, email, display_name) values ($1, $1 || '@example.com', $3) returning id)
             insert into members (id, workspace_id, user_id, role) select $1, $2, id, 'member' from made",
        )
        .bind(colleague)
        .bind(workspace)
        .bind(format!("Mia {mark}"))
        .execute(&mut sql)
        .await
        .unwrap();
        let guest = format!("{}@{mark}.example", Uuid::now_v7());
        let invitation = json!({ "email": guest, "role": "viewer" });
        let invited: Value =
            owner.post(&format!("/api/v1/workspaces/{workspace}/invitations"), &invitation).await.json(201);
        let invitation = invited["invitation"]["id"].as_str().and_then(|id| id.parse().ok()).expect("an invitation");
        let (api_key, _) = owner.new_api_key(workspace, "write").await;
        let (share, _) = owner.new_share(document).await;
        Self(HashMap::from([
            ("MemberId", colleague),
            ("InvitationId", invitation),
            ("ApiKeyId", api_key),
            ("WorkspaceId", workspace),
            ("ProjectId", project),
            ("DocumentId", document),
            ("ShareId", share),
            ("FolderId", folder),
            ("VersionId", version),
            ("UploadId", upload),
            ("ConversationId", conversation),
            ("MessageId", message),
            ("ToolCallId", tool_call),
        ]))
    }

    /// The id of that type, such as `ProjectId`.
    #[track_caller]
    pub fn id(&self, id_type: &str) -> Uuid {
        *self.0.get(id_type).unwrap_or_else(|| panic!("make a {id_type} in `Belongings`"))
    }

    /// The id for the operation's path, if it has one in it.
    pub fn id_for(&self, operation: &Operation) -> Option<Uuid> {
        operation.id_type().map(|id_type| self.id(&id_type))
    }

    /// Gives somebody a role in the workspace, or another one.
    pub async fn set_role(&self, app: &TestApp, person: &Client, role: &str) {
        let mut sql = app.sql().await;
        sqlx::query(
            "insert into members (workspace_id, user_id, role) values ($1, $2, $3)
             on conflict (workspace_id, user_id) do update set role = excluded.role",
        )
        .bind(self.id("WorkspaceId"))
        .bind(person.user_id())
        .bind(role)
        .execute(&mut sql)
        .await
        .unwrap();
    }

    pub async fn remove(&self, app: &TestApp, person: &Client) {
        let mut sql = app.sql().await;
        sqlx::query("delete from members where workspace_id = $1 and user_id = $2")
            .bind(self.id("WorkspaceId"))
            .bind(person.user_id())
            .execute(&mut sql)
            .await
            .unwrap();
    }
}
