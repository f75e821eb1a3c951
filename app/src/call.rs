//! How the browser calls a server function: as Leptos does, but what does not depend on the function is compiled once and
//! not for each (docs/adr/0018-entrance.md).

use crate::{ApiError, part};
use leptos::{
    prelude::*,
    server::ServerActionError,
    server_fn::{
        ContentType, Http, Protocol, ServerFn,
        client::Client,
        codec::{IntoReq, Json, PostUrl},
        error::ServerFnUrlError,
        redirect::call_redirect_hook,
        response::ClientRes,
        server::Server,
    },
};
use serde::de::DeserializeOwned;
use std::{fmt::Display, future::Future, marker::PhantomData, ops::Deref, pin::Pin};
use wasm_bindgen::JsCast;

const ACCEPTED: &str = <Json as ContentType>::CONTENT_TYPE;

/// The protocol of a server function: a form in, JSON out, and what failed as an [`ApiError`].
#[derive(Debug)]
pub struct Call;

impl<Input, Output, C, S> Protocol<Input, Output, C, S, ApiError> for Call
where
    Http<PostUrl, Json>: Protocol<Input, Output, C, S, ApiError>,
    Input: IntoReq<PostUrl, C::Request, ApiError> + Send,
    Output: DeserializeOwned,
    C: Client<ApiError>,
    S: Server<ApiError>,
{
    const METHOD: http::Method = http::Method::POST;

    fn run_server<F, Fut>(
        request: S::Request,
        function: F,
    ) -> impl Future<Output = Result<S::Response, ApiError>> + Send
    where
        F: Fn(Input) -> Fut + Send,
        Fut: Future<Output = Result<Output, ApiError>> + Send,
    {
        <Http<PostUrl, Json> as Protocol<Input, Output, C, S, ApiError>>::run_server(request, function)
    }

    async fn run_client(path: &str, input: Input) -> Result<Output, ApiError> {
        let request = input.into_req(path, ACCEPTED)?;
        read(&answer::<C>(request).await?)
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<String, ApiError>> + Send>>;

/// Follows a redirect, as Leptos does. Boxed: every caller would have it inside of itself.
fn answer<C: Client<ApiError>>(request: C::Request) -> Answer {
    Box::pin(async move {
        let response = C::send(request).await?;
        let status = response.status();
        if (400..=599).contains(&status) {
            return Err(ApiError::de(response.try_into_bytes().await?));
        }
        let to = (response.has_redirect() || (300..=399).contains(&status)).then(|| response.location());
        let text = response.try_into_string().await?;
        if let Some(to) = to {
            call_redirect_hook(&to);
            part::left().await;
        }
        Ok(text)
    })
}

/// From a text, as the resources of a page are read: there is one reader of each type then.
fn read<T: DeserializeOwned>(answer: &str) -> Result<T, ApiError> {
    serde_json::from_str(answer)
        .map_err(|error| ApiError::from_server_fn_error(ServerFnErrorErr::Deserialization(error.to_string())))
}

/// What the form of a [`ServerForm`] sends to the server function `S`, and what came back. Where its arguments are needed,
/// there is `ServerAction`.
pub struct FormAction<S: ServerFn<Error = ApiError>>
where
    S::Output: 'static,
{
    action: Action<String, Result<S::Output, ApiError>>,
    function: PhantomData<fn(S)>,
}

impl<S: ServerFn<Error = ApiError>> FormAction<S>
where
    S::Output: DeserializeOwned + Send + Sync,
{
    pub fn new() -> Self {
        let failed = use_context::<ServerActionError>()
            .filter(|failed| failed.path() == S::PATH)
            .map(|failed| Err(ServerFnUrlError::<ApiError>::decode_err(failed.err())));
        Self { action: form_action(S::url(), failed), function: PhantomData }
    }

    /// Whether the form that is on its way has this id in its `field`.
    pub fn sends(self, field: &'static str, id: impl Display) -> Signal<bool> {
        let (sent, pair) = (self.action.input(), format!("{field}={id}"));
        Signal::derive(move || {
            sent.with(|body| body.as_ref().is_some_and(|body| body.split('&').any(|one| one == pair)))
        })
    }
}

impl<S: ServerFn<Error = ApiError>> Clone for FormAction<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: ServerFn<Error = ApiError>> Copy for FormAction<S> {}

impl<S: ServerFn<Error = ApiError>> Deref for FormAction<S> {
    type Target = Action<String, Result<S::Output, ApiError>>;

    fn deref(&self) -> &Self::Target {
        &self.action
    }
}

fn form_action<T>(path: &'static str, failed: Option<Result<T, ApiError>>) -> Action<String, Result<T, ApiError>>
where
    T: DeserializeOwned + Send + Sync + 'static,
{
    Action::new_with_value(failed, move |body: &String| {
        let answer = send(path, body.clone());
        async move { read(&answer.await?) }
    })
}

/// Sends a form as a browser would without a script.
#[cfg(feature = "hydrate")]
fn send(path: &'static str, body: String) -> Answer {
    use leptos::server_fn::{
        client::browser::BrowserClient,
        request::{ClientReq, browser::BrowserRequest},
    };
    match <BrowserRequest as ClientReq<ApiError>>::try_new_post(
        path,
        <PostUrl as ContentType>::CONTENT_TYPE,
        ACCEPTED,
        body,
    ) {
        Ok(request) => answer::<BrowserClient>(request),
        Err(error) => Box::pin(std::future::ready(Err(error))),
    }
}

/// On the server no form is sent.
#[cfg(not(feature = "hydrate"))]
fn send(_path: &'static str, _body: String) -> Answer {
    Box::pin(std::future::pending())
}

/// A form that works without JavaScript. With it, the page stays and the action's value says what came back. It has no files,
/// and its buttons no `formaction`: those want a form of their own.
#[component]
pub(crate) fn ServerForm<S>(
    action: FormAction<S>,
    #[prop(optional)] node_ref: NodeRef<leptos::html::Form>,
    children: Children,
) -> impl IntoView
where
    S: ServerFn<Error = ApiError>,
    S::Output: Send + Sync + 'static,
{
    let action = action.action;
    form(S::url(), Callback::new(move |body| drop(action.dispatch(body))), node_ref, children)
}

fn form(
    path: &'static str,
    send: Callback<String>,
    node_ref: NodeRef<leptos::html::Form>,
    children: Children,
) -> impl IntoView {
    let submit = move |event: web_sys::SubmitEvent| {
        if !event.default_prevented()
            && let Some(body) = body_of(&event)
        {
            event.prevent_default();
            send.run(body);
        }
    };
    view! { <form action=path method="post" node_ref=node_ref on:submit=submit>{children()}</form> }
}

/// The form's fields, and the button that sent it, in the encoding of a form.
fn body_of(event: &web_sys::SubmitEvent) -> Option<String> {
    let form = event.target()?.dyn_into::<web_sys::HtmlFormElement>().ok()?;
    let fields = web_sys::FormData::new_with_form(&form).ok()?;
    if let Some(button) = event.submitter()
        && let Some(name) = button.get_attribute("name").filter(|name| !name.is_empty())
    {
        fields.append_with_str(&name, &button.get_attribute("value").unwrap_or_default()).ok()?;
    }
    let encoded = web_sys::UrlSearchParams::new_with_str_sequence_sequence(&fields).ok()?;
    encoded.to_string().as_string()
}
