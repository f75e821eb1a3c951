use super::api::{self, CreateApiKey, RevokeApiKey};
use crate::{
    call::{FormAction, ServerForm},
    error::ApiError,
    loaded::loaded,
    members::api::Secret,
    ui::{
        Badge, Button, Confirm, ConfirmActions, Failure, Field, FormError, Glyph, Icon, Select, ShownOnce, Skeleton,
        Time, Toast, Tone, clear_field, field_error, form_error, use_toasts,
    },
};
use domain::{
    ApiKeyId, Page as List, WorkspaceId,
    api_keys::{ApiKey, KeyScope},
    workspaces::{Role, Workspace},
};
use leptos::prelude::*;

/// The person's API keys of a workspace; for an admin, everybody's.
#[component]
pub(crate) fn ApiKeysSection(
    workspace: Workspace,
    /// Made by a form without JavaScript.
    made: Option<Secret>,
) -> impl IntoView {
    let Workspace { id, role, .. } = workspace;
    let create = FormAction::<CreateApiKey>::new();
    let revoke = FormAction::<RevokeApiKey>::new();
    let toasts = use_toasts();
    Effect::new(move |_| {
        if let Some(Ok(())) = revoke.value().get() {
            toasts.push(Toast::ok("The key is revoked."));
        }
    });
    let keys = Resource::new_blocking(
        move || (create.version().get(), revoke.version().get()),
        move |_| async move { api::list_api_keys(id).await },
    );
    let shown = move || {
        let answered = create.value().get().and_then(Result::ok);
        match answered.or_else(|| made.clone()) {
            Some(Secret::ApiKey { name, token }) => Some(view! {
                <ShownOnce
                    title=format!("The key \u{201c}{name}\u{201d} is ready") noun="key" secret=token
                    text="Copy it now and keep it where your program finds it. It is shown only this once."
                />
            }),
            _ => None,
        }
    };
    view! {
        <section class="settings__section" id="api-keys" aria-labelledby="api-keys-title">
            <h2 id="api-keys-title">"API keys"</h2>
            <p class="settings__about">
                "A key lets a program work in this workspace in your name, and nowhere else. It ends with your membership. "
                <a href="/api/docs" rel="external">"API reference"</a>
            </p>
            <KeyForm workspace=id role action=create/>
            {shown}
            <FormError error=form_error(move || revoke.value().get(), &[])/>
            <Transition fallback=|| view! { <Skeleton rows=2/> }>
                {move || Suspend::new(async move { list(loaded(keys).await, role, revoke) })}
            </Transition>
        </section>
    }
}

#[component]
fn KeyForm(workspace: WorkspaceId, role: Role, action: FormAction<CreateApiKey>) -> impl IntoView {
    let answer = move || action.value().get();
    Effect::new(move |_| {
        if let Some(Ok(_)) = answer() {
            clear_field("key-name");
        }
    });
    let choice = |value: &str, label: &str| (value.to_owned(), label.to_owned());
    let mut scopes = vec![choice(KeyScope::Read.as_str(), "Read")];
    if role >= Role::Member {
        scopes.push(choice(KeyScope::Write.as_str(), "Read and write"));
    }
    let ends = vec![choice("30", "30 days"), choice("90", "90 days"), choice("366", "1 year"), choice("", "No end")];
    view! {
        <ServerForm action attr:class="line-form">
            <FormError error=form_error(answer, &["name", "expires_in_days"])/>
            <input type="hidden" name="workspace" value=workspace.to_string()/>
            <div class="line-form__fields">
                <Field
                    name="name" id="key-name" label="Name" required=true maxlength=120 placeholder="Website import"
                    error=field_error(answer, "name")
                />
                <Select name="scope" id="key-scope" label="May" options=scopes selected=KeyScope::Read.as_str()/>
                <Select name="expires_in_days" id="key-days" label="Valid for" options=ends selected="90"/>
                <Button pending=action.pending()>"Create key"</Button>
            </div>
        </ServerForm>
    }
}

fn list(keys: Result<List<ApiKey>, ApiError>, role: Role, revoke: FormAction<RevokeApiKey>) -> AnyView {
    let keys = match keys {
        Ok(keys) => keys.items,
        Err(error) => return view! { <Failure error/> }.into_any(),
    };
    if keys.is_empty() {
        return view! {
            <div class="settings__hint">
                <p>"No keys yet. A program sends its key with every request, for example:"</p>
                <pre class="settings__code" tabindex="0"><code>"curl -H \"Authorization: Bearer atelier_\u{2026}\" \u{2026}/api/v1/workspaces"</code></pre>
            </div>
        }
        .into_any();
    }
    let shows_owner = role >= Role::Admin;
    let rows = keys.into_iter().map(|key| view! { <KeyRow key shows_owner revoke/> }).collect_view();
    view! {
        <table class="table people">
            <thead>
                <tr>
                    <th scope="col">"Key"</th>
                    <th scope="col" class="people__when">"Last used"</th>
                    <th scope="col">"Valid until"</th>
                    <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn KeyRow(key: ApiKey, shows_owner: bool, revoke: FormAction<RevokeApiKey>) -> impl IntoView {
    let ApiKey { id, name, scope, prefix, user_name, last_used_at, expires_at, expired, .. } = key;
    let may = match scope {
        KeyScope::Read => "Read",
        KeyScope::Write => "Read and write",
    };
    let about = if shows_owner { format!("{may} \u{b7} {user_name}") } else { may.to_owned() };
    let dialog = format!("revoke-{id}");
    let opens = dialog.clone();
    let label = format!("Revoke {name}");
    view! {
        <tr>
            <td class="people__who">
                <div class="person__text">
                    <span class="person__name">{name.clone()}</span>
                    <span class="person__email"><code>{prefix}"\u{2026}"</code>" \u{b7} "{about}</span>
                </div>
            </td>
            <td class="people__when">
                {match last_used_at {
                    Some(at) => view! { <Time at/> }.into_any(),
                    None => "Never".into_any(),
                }}
            </td>
            <td class="people__role">
                <span class="people__fixed">
                    {match expires_at {
                        _ if expired => view! { <Badge tone=Tone::Warn>"Expired"</Badge> }.into_any(),
                        Some(at) => view! { <Time at/> }.into_any(),
                        None => "No end".into_any(),
                    }}
                </span>
            </td>
            <td class="people__action">
                <button type="button" class="icon-button" popovertarget=opens aria-label=label.clone() title=label>
                    <Icon glyph=Glyph::X/>
                </button>
                <RevokeDialog id=dialog key=id name revoke/>
            </td>
        </tr>
    }
}

#[component]
fn RevokeDialog(id: String, key: ApiKeyId, name: String, revoke: FormAction<RevokeApiKey>) -> impl IntoView {
    let pending = revoke.sends("id", key);
    let popover = id.clone();
    view! {
        <Confirm id verb="Revoke" name text="Programs that use it are refused at once. This cannot be undone.">
            <ServerForm action=revoke>
                <input type="hidden" name="id" value=key.to_string()/>
                <ConfirmActions popover verb="Revoke" keep="Keep it" pending/>
            </ServerForm>
        </Confirm>
    }
}
