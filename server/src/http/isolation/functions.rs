//! Server functions.

use super::{MALFORMED, Standing, assert_allowed, check, people::cast};
use crate::{
    http::public,
    testing::{Answer, Belongings, Client, TestApp},
};
use domain::workspaces::Role;
use leptos::server_fn::axum::server_fn_paths;
use reqwest::Method;
use uuid::Uuid;

/// A field of the form that a function reads.
#[derive(Clone, Copy)]
enum Field {
    /// The id of something of this type, which decides who may call.
    Id(&'static str, &'static str),
    /// An id that decides nothing but where the browser goes next.
    Whither(&'static str, &'static str),
    Text(&'static str, &'static str),
}
use Field::{Id, Text, Whither};

/// Who may call.
#[derive(Clone, Copy)]
enum Access {
    /// Everybody; so it is on the list of `http::public`.
    Public,
    /// Whoever is signed in: it is about themselves, or makes something new.
    Person,
    /// Whoever is signed in, about their own account, which the identity provider decides on: it takes no id of others'.
    /// Here only that nobody else gets to it; what it does has tests of its own.
    Account,
    /// A member with at least this role in the workspace of the [`Field::Id`].
    Role(Role),
    /// Whoever is signed in and holds the secret in the form, which these do not.
    Secret,
    /// A member; others get an answer, in which nothing of the workspace stands.
    Veiled,
}

struct Function {
    name: &'static str,
    access: Access,
    fields: &'static [Field],
}

const fn function(name: &'static str, access: Access, fields: &'static [Field]) -> Function {
    Function { name, access, fields }
}

/// Every server function. One that is missing here fails the test below.
const FUNCTIONS: &[Function] = &[
    function("sign_in", Access::Public, &[]),
    function("sign_up", Access::Public, &[]),
    function("sign_out", Access::Public, &[]),
    function("send_sign_in_link", Access::Public, &[]),
    function("resend_confirmation", Access::Public, &[]),
    function("send_recovery", Access::Public, &[]),
    function("verify_code", Access::Public, &[]),
    function("confirm_link", Access::Public, &[]),
    function("start_oauth", Access::Public, &[]),
    function("finish_code", Access::Public, &[]),
    function("accept_tokens", Access::Public, &[]),
    function("answer_second_factor", Access::Public, &[]),
    function("choose_password", Access::Account, &[Text("password", "a long enough password")]),
    function("get_account", Access::Account, &[]),
    function("save_name", Access::Account, &[Text("name", "New")]),
    function("save_password", Access::Account, &[Text("current", "old"), Text("password", "a long enough password")]),
    function("save_email", Access::Account, &[Text("email", "new@example.com")]),
    function("enrol_factor", Access::Account, &[Text("name", "Phone")]),
    function("get_setup", Access::Account, &[]),
    function("confirm_factor", Access::Account, &[Text("factor_id", "1"), Text("code", "123456")]),
    function("remove_factor", Access::Account, &[Text("factor_id", "1"), Text("code", "123456")]),
    function("sign_out_others", Access::Account, &[]),
    function("sign_out_everywhere", Access::Account, &[]),
    function("delete_account", Access::Account, &[Text("confirmation", "ada@example.com")]),
    function("set_theme", Access::Public, &[]),
    function("get_navigation", Access::Veiled, &[Id("place[project]", "ProjectId")]),
    function("list_workspaces", Access::Person, &[]),
    function("create_workspace", Access::Person, &[Text("name", "New")]),
    function("get_workspace_home", VIEWER, &[Id("id", "WorkspaceId")]),
    function("create_project", MEMBER, &[Id("workspace", "WorkspaceId"), Text("name", "New")]),
    function("open_project", VIEWER, &[Id("id", "ProjectId")]),
    function(
        "save_brief",
        MEMBER,
        &[
            Id("project", "ProjectId"),
            Text("client", "C"),
            Text("audience", ""),
            Text("brand_voice", ""),
            Text("key_messages", ""),
            Text("competitors", ""),
            Text("notes", ""),
        ],
    ),
    function("open_documents", VIEWER, &[Id("project", "ProjectId")]),
    function("list_documents", VIEWER, &[Id("project", "ProjectId")]),
    function("open_document", VIEWER, &[Id("id", "DocumentId"), Text("from", "1"), Text("limit", "3")]),
    function("retry_document", MEMBER, &[Id("id", "DocumentId")]),
    function(
        "add_link",
        MEMBER,
        &[Id("project", "ProjectId"), Id("folder", "FolderId"), Text("url", "https://example.com/page")],
    ),
    function("fetch_again", MEMBER, &[Id("id", "DocumentId")]),
    function("open_share", Access::Public, &[]),
    function("list_shares", MEMBER, &[Id("document", "DocumentId")]),
    function("create_share", MEMBER, &[Id("document", "DocumentId"), Text("expires", "7"), Text("date", "")]),
    function("revoke_share", ADMIN, &[Id("id", "ShareId")]),
    function("publish", MEMBER, &[Id("document", "DocumentId")]),
    function("unpublish", MEMBER, &[Id("document", "DocumentId")]),
    function("create_written", MEMBER, &[Id("project", "ProjectId"), Id("folder", "FolderId")]),
    function("open_editor", VIEWER, &[Id("id", "DocumentId")]),
    function(
        "save_text",
        MEMBER,
        &[
            Id("id", "DocumentId"),
            Text("revision", "1"),
            Text("title", ""),
            Text("text", "New"),
            Text("new_version", "false"),
        ],
    ),
    function(
        "keep_text",
        MEMBER,
        &[Id("id", "DocumentId"), Text("revision", "1"), Text("title", ""), Text("text", "Newer")],
    ),
    function(
        "yield_text",
        MEMBER,
        &[Id("id", "DocumentId"), Text("revision", "1"), Text("version", "1"), Text("text", "Mine")],
    ),
    function("set_status", MEMBER, &[Id("id", "DocumentId"), Text("status", "draft"), Text("revision", "1")]),
    function("compare_text", VIEWER, &[Id("id", "DocumentId"), Text("text", "Other")]),
    function("open_history", VIEWER, &[Id("id", "DocumentId")]),
    function("restore_version", MEMBER, &[Id("id", "VersionId"), Whither("document", "DocumentId")]),
    function("open_search", VIEWER, &[Id("project", "ProjectId"), Text("query", "launch"), Text("documents", "")]),
    function("open_chat", VIEWER, &[Id("project", "ProjectId")]),
    function("open_conversation", VIEWER, &[Id("id", "ConversationId")]),
    function("list_conversations", VIEWER, &[Id("project", "ProjectId")]),
    function("list_messages", VIEWER, &[Id("conversation", "ConversationId")]),
    function("get_message", VIEWER, &[Id("id", "MessageId")]),
    function("list_chat_documents", VIEWER, &[Id("project", "ProjectId")]),
    function("use_in_chat", MEMBER, &[Id("document", "DocumentId"), Text("in_chat", "true")]),
    function("choose_documents", MEMBER, &[Id("conversation", "ConversationId")]),
    function("get_conversation_model", VIEWER, &[Id("conversation", "ConversationId")]),
    function("choose_model", MEMBER, &[Id("conversation", "ConversationId"), Text("model", "")]),
    function("archive_conversation", MEMBER, &[Id("id", "ConversationId"), Text("archived", "false")]),
    function("regenerate_answer", VIEWER, &[Id("id", "MessageId"), Text("key", "")]),
    function("select_branch", VIEWER, &[Id("id", "MessageId"), Whither("conversation", "ConversationId")]),
    function("rename_conversation", MEMBER, &[Id("id", "ConversationId"), Text("title", "New")]),
    function("ask", VIEWER, &[Id("conversation", "ConversationId"), Text("text", "When?"), Text("key", "")]),
    function("start_conversation", VIEWER, &[Id("project", "ProjectId"), Text("text", "When?"), Text("key", "")]),
    function("stop_answer", MEMBER, &[Id("id", "MessageId")]),
    function("decide_tool_call", MEMBER, &[Id("id", "ToolCallId"), Text("approve", "true")]),
    function("set_tools_mode", MEMBER, &[Id("id", "ConversationId"), Text("mode", "ask")]),
    function("get_invitation", Access::Public, &[]),
    function("sign_out_for_invitation", Access::Public, &[]),
    function("accept_invitation", Access::Secret, &[Text("token", "guessed")]),
    function("get_people", VIEWER, &[Id("workspace", "WorkspaceId")]),
    function(
        "invite_member",
        ADMIN,
        &[Id("workspace", "WorkspaceId"), Text("email", "new@example.com"), Text("role", "viewer")],
    ),
    function("withdraw_invitation", ADMIN, &[Id("id", "InvitationId")]),
    function("change_role", ADMIN, &[Id("member", "MemberId"), Text("role", "viewer")]),
    function("transfer_ownership", OWNER, &[Id("member", "MemberId")]),
    function("remove_member", ADMIN, &[Id("member", "MemberId")]),
    function("leave_workspace", VIEWER, &[Id("workspace", "WorkspaceId")]),
    function("list_api_keys", VIEWER, &[Id("workspace", "WorkspaceId")]),
    function(
        "create_api_key",
        VIEWER,
        &[Id("workspace", "WorkspaceId"), Text("name", "New"), Text("scope", "read"), Text("expires_in_days", "")],
    ),
    function("revoke_api_key", ADMIN, &[Id("id", "ApiKeyId")]),
    function("get_workspace_settings", VIEWER, &[Id("id", "WorkspaceId")]),
    function("rename_workspace", ADMIN, &[Id("workspace", "WorkspaceId"), Text("name", "Zimtstern workspace")]),
    function("list_folders", VIEWER, &[Id("project", "ProjectId"), Id("folder", "FolderId")]),
    function("create_folder", MEMBER, &[Id("project", "ProjectId"), Id("parent", "FolderId"), Text("name", "New")]),
    function("rename_folder", MEMBER, &[Id("id", "FolderId"), Text("name", "Zimtstern folder")]),
    function(
        "move_items",
        MEMBER,
        &[Id("project", "ProjectId"), Id("documents[0]", "DocumentId"), Id("into", "FolderId")],
    ),
    function("open_trash", VIEWER, &[Id("project", "ProjectId")]),
    function(
        "move_to_trash",
        MEMBER,
        &[Id("project", "ProjectId"), Id("documents[]", "DocumentId"), Id("folders[]", "FolderId")],
    ),
    function("restore_from_trash", MEMBER, &[Id("project", "ProjectId"), Id("documents[0]", "DocumentId")]),
    // Last, because the others need what they delete.
    function("delete_from_trash", MEMBER, &[Id("project", "ProjectId"), Id("folders[0]", "FolderId")]),
    function("empty_trash", MEMBER, &[Id("project", "ProjectId")]),
    function("delete_conversation", MEMBER, &[Id("id", "ConversationId"), Whither("project", "ProjectId")]),
    function("delete_workspace", OWNER, &[Id("workspace", "WorkspaceId"), Text("confirmation", "Zimtstern workspace")]),
];

const OWNER: Access = Access::Role(Role::Owner);
const ADMIN: Access = Access::Role(Role::Admin);
const VIEWER: Access = Access::Role(Role::Viewer);
const MEMBER: Access = Access::Role(Role::Member);

/// The paths end in a number that Leptos makes from the function's place in the source.
fn name_of(path: &str) -> &str {
    path.trim_start_matches("/api/").trim_end_matches(|c: char| c.is_ascii_digit())
}

impl Function {
    fn path(&self) -> String {
        let path = server_fn_paths().map(|(path, _)| path).find(|path| name_of(path) == self.name);
        path.unwrap_or_else(|| panic!("{} is no server function any more", self.name)).to_owned()
    }

    /// A call that is right but for who sends it, with `id` in place of each id that decides.
    async fn call(&self, client: &Client, id: impl Fn(&str) -> String, whither: impl Fn(&str) -> String) -> Answer {
        let form: Vec<(&str, String)> = self
            .fields
            .iter()
            .map(|field| match *field {
                Id(name, id_type) => (name, id(id_type)),
                Whither(name, id_type) => (name, whither(id_type)),
                Text(name, text) => (name, text.to_owned()),
            })
            .collect();
        client.send(client.request(Method::POST, &self.path()).form(&form)).await
    }

    async fn call_on(&self, client: &Client, belongings: &Belongings) -> Answer {
        let id = |id_type: &str| belongings.id(id_type).to_string();
        self.call(client, id, id).await
    }

    fn has_id(&self) -> bool {
        self.fields.iter().any(|field| matches!(field, Id(..)))
    }
}

#[test]
fn the_table_is_whole() {
    let mut known: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    let mut registered: Vec<&str> = server_fn_paths().map(|(path, _)| name_of(path)).collect();
    known.sort_unstable();
    registered.sort_unstable();
    assert_eq!(known, registered, "write the server function into the table, or take it out");
    for function in FUNCTIONS {
        let is_public = matches!(function.access, Access::Public);
        assert_eq!(public::is_public(&function.path()), is_public, "{}", function.name);
    }
}

#[tokio::test]
async fn what_is_anothers_is_for_nobody_else() {
    let app = TestApp::start().await;
    let (ada, belongings, people) = cast(&app).await;
    for function in FUNCTIONS {
        // Somebody may have left, or handed over the workspace.
        belongings.set_role(&app, &ada, "owner").await;
        for person in &people {
            if let Standing::Member(role) = person.standing {
                belongings.set_role(&app, &person.client, role.as_str()).await;
            }
            let what = format!("{}, for {}", function.name, person.name);
            match function.access {
                Access::Public => {}
                Access::Account => {
                    if person.on_pages() == Standing::Nobody {
                        let answer = function.call_on(&person.client, &belongings).await;
                        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
                    }
                }
                Access::Secret => {
                    let expected = if person.on_pages() == Standing::Nobody { 401 } else { 404 };
                    let answer = function.call_on(&person.client, &belongings).await;
                    assert_eq!(answer.status, expected, "{what}: {}", answer.text());
                }
                Access::Person | Access::Veiled => {
                    let answer = function.call_on(&person.client, &belongings).await;
                    if person.on_pages() == Standing::Nobody {
                        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
                    } else {
                        assert_allowed(&answer, &what);
                    }
                    if matches!(person.on_pages(), Standing::Nobody | Standing::Outsider) {
                        assert!(!answer.text().contains(Belongings::MARK), "{what} tells: {}", answer.text());
                    }
                }
                Access::Role(needs) => {
                    check(&function.call_on(&person.client, &belongings).await, person.on_pages(), needs, &what);
                }
            }
        }
        if let Access::Role(_) = function.access {
            outsiders_learn_nothing_of_absence(function, &people, &belongings).await;
            let answer = function.call_on(&ada, &belongings).await;
            // One answer at a time: what a viewer has asked may still be in writing.
            assert_allowed(&answer, function.name);
        }
    }
}

/// An id that is another's reads like one that nobody has, also where a second id in the form is the person's own.
async fn outsiders_learn_nothing_of_absence(
    function: &Function,
    people: &[super::people::Person],
    foreign: &Belongings,
) {
    if !function.has_id() {
        return;
    }
    for person in people.iter().filter(|person| person.on_pages() == Standing::Outsider) {
        let nobodys = Uuid::now_v7().to_string();
        let absent = function.call(&person.client, |_| nobodys.clone(), |_| nobodys.clone()).await;
        let others =
            function.call(&person.client, |id_type| foreign.id(id_type).to_string(), |_| nobodys.clone()).await;
        assert_eq!((absent.status, absent.text()), (404, others.text()), "{} for {}", function.name, person.name);
    }
}

#[tokio::test]
async fn a_malformed_id_is_refused_and_nothing_breaks() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let belongings = Belongings::of(&app, &ada).await;
    for function in FUNCTIONS.iter().filter(|function| function.has_id()) {
        for id in MALFORMED {
            let whither = |id_type: &str| belongings.id(id_type).to_string();
            let answer = function.call(&ada, |_| id.to_owned(), whither).await;
            assert!(
                matches!(answer.status, 404 | 422),
                "{} with {id:?}: {} {}",
                function.name,
                answer.status,
                answer.text()
            );
            let refused = function.call(&app.anonymous(), |_| id.to_owned(), whither).await;
            assert_eq!(refused.status, 401, "{} with {id:?}, for nobody", function.name);
        }
    }
}
