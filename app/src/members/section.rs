use super::{
    api::{self, ChangeRole, InviteMember, RemoveMember, Secret, WithdrawInvitation},
    invitations::{InviteForm, Pending},
    roles_to_give,
};
use crate::{
    call::{FormAction, ServerForm},
    error::ApiError,
    loaded::loaded,
    routes::query_param,
    ui::{
        Avatar, Button, Confirm, ConfirmActions, Failure, FormError, Glyph, Icon, Options, Pager, ShownOnce, Skeleton,
        Time, Toast, form_error, use_toasts,
    },
    workspaces::{role_name, settings_path},
};
use domain::{
    Cursor, MemberId, WorkspaceId,
    members::Member,
    workspaces::{Role, Workspace},
};
use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

/// What can be done to people, one action each however many are listed.
#[derive(Clone, Copy)]
pub(super) struct PeopleActions {
    pub invite: FormAction<InviteMember>,
    pub withdraw: FormAction<WithdrawInvitation>,
    change_role: FormAction<ChangeRole>,
    remove: FormAction<RemoveMember>,
}

impl PeopleActions {
    fn new(own: MemberId, own_changed: Callback<()>) -> Self {
        let actions = Self {
            invite: FormAction::new(),
            withdraw: FormAction::new(),
            change_role: FormAction::new(),
            remove: FormAction::new(),
        };
        let toasts = use_toasts();
        Effect::new(move |_| match actions.change_role.value().get() {
            Some(Ok(member)) => {
                let role = role_name(member.role).to_lowercase();
                toasts.push(Toast::ok(format!("{} is {role} now.", member.display_name)));
                if member.id == own {
                    own_changed.run(());
                }
            }
            Some(Err(_)) => reset_role_forms(),
            None => {}
        });
        Effect::new(move |_| {
            if let Some(Ok(())) = actions.remove.value().get() {
                toasts.push(Toast::ok("Removed from the workspace."));
            }
        });
        Effect::new(move |_| {
            if let Some(Ok(())) = actions.withdraw.value().get() {
                toasts.push(Toast::ok("The invitation is withdrawn."));
            }
        });
        actions
    }

    /// Changes with every answer, so that the lists are read again.
    fn versions(self) -> [usize; 4] {
        [
            self.invite.version().get(),
            self.withdraw.version().get(),
            self.change_role.version().get(),
            self.remove.version().get(),
        ]
    }

    /// What could not be done to somebody in the lists.
    fn error(self) -> Signal<Option<String>> {
        let role = form_error(move || self.change_role.value().get(), &[]);
        let remove = form_error(move || self.remove.value().get(), &[]);
        let withdraw = form_error(move || self.withdraw.value().get(), &[]);
        Signal::derive(move || role.get().or_else(|| remove.get()).or_else(|| withdraw.get()))
    }
}

/// A role that was refused must not stay on show.
fn reset_role_forms() {
    let Ok(forms) = document().query_selector_all("form.role-form") else { return };
    for index in 0..forms.length() {
        if let Some(form) = forms.get(index).and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok()) {
            form.reset();
        }
    }
}

/// The people of a workspace, and those who are invited.
#[component]
pub(crate) fn MembersSection(
    workspace: Workspace,
    own: MemberId,
    /// Made by a form without JavaScript.
    made: Option<Secret>,
    /// The person's own role is another now.
    own_changed: Callback<()>,
) -> impl IntoView {
    let Workspace { id, role, member_count, .. } = workspace;
    let actions = PeopleActions::new(own, own_changed);
    let (cursor, invited_cursor) = (query_param("cursor"), query_param("invited"));
    let people = Resource::new_blocking(
        move || (cursor().map(Cursor), invited_cursor().map(Cursor), actions.versions()),
        move |(cursor, invited, _)| async move { api::get_people(id, cursor, invited).await },
    );
    let invited = move || {
        let answered = actions.invite.value().get().and_then(Result::ok);
        match answered.or_else(|| made.clone()) {
            Some(Secret::Invitation { email, link, mailed }) => Some(invited(&email, link, mailed)),
            _ => None,
        }
    };
    let may_invite = role >= Role::Admin;
    view! {
        <section class="settings__section" id="members" aria-labelledby="members-title">
            <h2 id="members-title">"Members"</h2>
            <p class="settings__about">
                {if may_invite {
                    "Whoever is here sees every project of this workspace."
                } else {
                    "Whoever is here sees every project of this workspace. Its admins invite people and set their roles."
                }}
            </p>
            {may_invite.then(|| view! { <InviteForm workspace=id role action=actions.invite/> })}
            {invited}
            <FormError error=actions.error()/>
            <Transition fallback=|| view! { <Skeleton rows=3/> }>
                {move || Suspend::new(async move { lists(id, role, own, member_count, loaded(people).await, actions) })}
            </Transition>
        </section>
    }
}

fn invited(email: &str, link: String, mailed: bool) -> AnyView {
    let text = if mailed {
        format!(
            "A mail with this link is on its way to {email}. You can hand it over yourself too. It is shown only now."
        )
    } else {
        format!("Hand this link to {email} yourself. It is shown only now.")
    };
    let warning = (!mailed).then_some("The mail could not be sent. The invitation stands all the same.");
    view! {
        {match warning {
            Some(warning) => view! { <ShownOnce title=format!("{email} is invited") text noun="link" secret=link warning/> }.into_any(),
            None => view! { <ShownOnce title=format!("{email} is invited") text noun="link" secret=link/> }.into_any(),
        }}
    }
    .into_any()
}

fn lists(
    workspace: WorkspaceId,
    role: Role,
    own: MemberId,
    total: u32,
    people: Result<api::People, ApiError>,
    actions: PeopleActions,
) -> AnyView {
    let people = match people {
        Ok(people) => people,
        Err(error) => return view! { <Failure error/> }.into_any(),
    };
    let alone =
        total == 1 && role >= Role::Admin && people.invitations.as_ref().is_some_and(|list| list.items.is_empty());
    let next = people.members.next.clone();
    let rows =
        people.members.items.into_iter().map(|member| view! { <MemberRow member role own actions/> }).collect_view();
    view! {
        <table class="table people">
            <thead>
                <tr>
                    <th scope="col">"Person"</th>
                    <th scope="col" class="people__when">"Joined"</th>
                    <th scope="col">"Role"</th>
                    <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        <Pager next path=format!("{}#members", settings_path(workspace))/>
        {alone.then(|| view! {
            <p class="settings__hint">"You are alone here. Invite a colleague: viewers read and ask, members add documents and projects, admins manage people."</p>
        })}
        {people.invitations.map(|invitations| view! { <Pending workspace role invitations actions/> })}
    }
    .into_any()
}

#[component]
fn MemberRow(member: Member, role: Role, own: MemberId, actions: PeopleActions) -> impl IntoView {
    let is_own = member.id == own;
    let may_change = role.manages(member.role);
    let name = member.display_name.clone();
    let dialog = format!("remove-{}", member.id);
    let opens = dialog.clone();
    let label = format!("Remove {name}");
    view! {
        <tr>
            <td class="people__who">
                <div class="person">
                    <Avatar name=name.clone() large=true decorative=true/>
                    <div class="person__text">
                        <span class="person__name">{name.clone()}{is_own.then_some(" (you)")}</span>
                        <span class="person__email">{member.email.clone()}</span>
                    </div>
                </div>
            </td>
            <td class="people__when"><Time at=member.joined_at/></td>
            <td class="people__role">
                {if may_change {
                    view! { <RoleForm member=member.clone() role actions/> }.into_any()
                } else {
                    view! { <span class="people__fixed">{role_name(member.role)}</span> }.into_any()
                }}
            </td>
            <td class="people__action">
                {(may_change && !is_own).then(|| view! {
                    <button type="button" class="icon-button" popovertarget=opens aria-label=label.clone() title=label>
                        <Icon glyph=Glyph::X/>
                    </button>
                    <RemoveDialog id=dialog member=member.id name actions/>
                })}
            </td>
        </tr>
    }
}

/// Sent as soon as another role is chosen; by a button where no script runs.
#[component]
fn RoleForm(member: Member, role: Role, actions: PeopleActions) -> impl IntoView {
    let action = actions.change_role;
    let current = member.role.as_str();
    let select = NodeRef::<html::Select>::new();
    let submit = move |_| {
        if let Some(form) = select.get_untracked().and_then(|select| select.form()) {
            // Refused only for a button that is not the form's.
            let _ = form.request_submit();
        }
    };
    view! {
        <ServerForm action attr:class="role-form">
            <input type="hidden" name="member" value=member.id.to_string()/>
            <select
                class="input select select--quiet" name="role" aria-label=format!("Role of {}", member.display_name)
                node_ref=select prop:value=current on:change=submit
            >
                <Options options=roles_to_give(role) selected=current.to_owned()/>
            </select>
            <span class="without-script"><Button small=true>"Save"</Button></span>
        </ServerForm>
    }
}

#[component]
fn RemoveDialog(id: String, member: MemberId, name: String, actions: PeopleActions) -> impl IntoView {
    let remove = actions.remove;
    let pending = remove.sends("member", member);
    let popover = id.clone();
    let text = "They lose access at once, and their API keys and open invitations end. What they made stays.";
    view! {
        <Confirm id verb="Remove" name text>
            <ServerForm action=remove>
                <input type="hidden" name="member" value=member.to_string()/>
                <ConfirmActions popover verb="Remove" keep="Cancel" pending/>
            </ServerForm>
        </Confirm>
    }
}
