use super::{api::InviteMember, roles_to_give, section::PeopleActions};
use crate::{
    call::{FormAction, ServerForm},
    ui::{Badge, Button, Field, FormError, Pager, Select, Time, Tone, Variant, clear_field, field_error, form_error},
    workspaces::{role_name, settings_path},
};
use domain::{
    Page, WorkspaceId,
    members::{Invitation, NewInvitation},
    workspaces::Role,
};
use leptos::prelude::*;

/// Invites by address. What was typed is cleared once it is done.
#[component]
pub(super) fn InviteForm(workspace: WorkspaceId, role: Role, action: FormAction<InviteMember>) -> impl IntoView {
    let answer = move || action.value().get();
    Effect::new(move |_| {
        if let Some(Ok(_)) = answer() {
            clear_field("invite-email");
        }
    });
    let days = [1, NewInvitation::DEFAULT_DAYS, NewInvitation::MAX_DAYS]
        .map(|days| (days.to_string(), if days == 1 { "1 day".to_owned() } else { format!("{days} days") }))
        .to_vec();
    view! {
        <ServerForm action attr:class="line-form">
            <FormError error=form_error(answer, &["email", "expires_in_days"])/>
            <input type="hidden" name="workspace" value=workspace.to_string()/>
            <div class="line-form__fields">
                <Field
                    name="email" id="invite-email" label="Email" kind="email" required=true maxlength=254
                    placeholder="name@example.com" error=field_error(answer, "email")
                />
                <Select name="role" id="invite-role" label="Role" options=roles_to_give(role) selected=Role::Member.as_str()/>
                <Select
                    name="expires_in_days" id="invite-days" label="Valid for" options=days
                    selected=NewInvitation::DEFAULT_DAYS.to_string()
                />
                <Button variant=Variant::Primary pending=action.pending()>"Invite"</Button>
            </div>
        </ServerForm>
    }
}

/// Who is invited and has not come yet.
#[component]
pub(super) fn Pending(
    workspace: WorkspaceId,
    role: Role,
    invitations: Page<Invitation>,
    actions: PeopleActions,
) -> impl IntoView {
    let Page { items, next } = invitations;
    if items.is_empty() {
        return ().into_any();
    }
    let rows =
        items.into_iter().map(|invitation| view! { <PendingRow workspace role invitation actions/> }).collect_view();
    view! {
        <h3 class="settings__subtitle" id="invited">"Invited"</h3>
        <table class="table people">
            <thead>
                <tr>
                    <th scope="col">"Address"</th>
                    <th scope="col" class="people__when">"Valid until"</th>
                    <th scope="col">"Role"</th>
                    <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        <Pager next path=format!("{}#invited", settings_path(workspace)) param="invited"/>
    }
    .into_any()
}

#[component]
fn PendingRow(workspace: WorkspaceId, role: Role, invitation: Invitation, actions: PeopleActions) -> impl IntoView {
    let (again, withdraw) = (actions.invite, actions.withdraw);
    let Invitation { id, email, role: invited, invited_by, expires_at, expired, .. } = invitation;
    let email = String::from(email);
    let may_manage = role.manages(invited);
    let (again_label, withdraw_label) =
        (format!("Invite again: {email}"), format!("Withdraw the invitation of {email}"));
    view! {
        <tr>
            <td class="people__who">
                <div class="person__text">
                    <span class="person__name">{email.clone()}</span>
                    <span class="person__email">"by "{invited_by}</span>
                </div>
            </td>
            <td class="people__when">
                {if expired {
                    view! { <Badge tone=Tone::Warn>"Expired"</Badge> }.into_any()
                } else {
                    view! { <Time at=expires_at/> }.into_any()
                }}
            </td>
            <td class="people__role"><span class="people__fixed">{role_name(invited)}</span></td>
            <td class="people__action">
                {may_manage.then(|| view! {
                    <div class="people__buttons">
                        <ServerForm action=again>
                            <input type="hidden" name="workspace" value=workspace.to_string()/>
                            <input type="hidden" name="email" value=email.clone()/>
                            <input type="hidden" name="role" value=invited.as_str()/>
                            <Button small=true variant=Variant::Quiet attr:aria-label=again_label>"Invite again"</Button>
                        </ServerForm>
                        <ServerForm action=withdraw>
                            <input type="hidden" name="id" value=id.to_string()/>
                            <Button small=true variant=Variant::Quiet attr:aria-label=withdraw_label>"Withdraw"</Button>
                        </ServerForm>
                    </div>
                })}
            </td>
        </tr>
    }
}
