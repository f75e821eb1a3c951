use super::api::{self, ChooseModel};
use crate::{
    ui::{Button, Options, Progress, Toast, Variant, use_toasts},
    workspaces::count,
};
use domain::{
    ConversationId, MessageId,
    models::{ConversationModel, ModelName, Models, Spent},
};
use leptos::{ev::SubmitEvent, html, prelude::*, server_fn::ServerFn, task::spawn_local};

/// Of the window, from which on it is said how full it is.
const HALF: u32 = 50;

/// Who answers, and who could. Cheap to copy: handles.
#[derive(Clone, Copy)]
pub(crate) struct Answering {
    models: StoredValue<Models>,
    now: RwSignal<ConversationModel>,
    /// What is chosen for a conversation that does not exist yet; empty for the default.
    picked: RwSignal<String>,
}

impl Answering {
    pub fn new(models: Models, now: ConversationModel) -> Self {
        Self { models: StoredValue::new(models), now: RwSignal::new(now), picked: RwSignal::new(String::new()) }
    }

    /// For a conversation that does not exist yet.
    pub fn anew(models: Models) -> Self {
        Self::new(models, ConversationModel { chosen: None, spent: Spent::default(), context: None })
    }

    pub fn picked(self) -> String {
        self.picked.get_untracked()
    }

    /// Learns what each answer has cost, when it ends.
    pub fn follow(self, conversation: ConversationId, streaming: Memo<Option<MessageId>>) {
        // The built-in answerer costs nothing.
        if self.models.with_value(|models| models.default.is_none()) {
            return;
        }
        Effect::new(move |was_streaming: Option<bool>| {
            let is_streaming = streaming.get().is_some();
            if was_streaming == Some(true) && !is_streaming {
                spawn_local(async move {
                    // What is shown is as of the answer before, until the next one ends.
                    if let Ok(now) = api::get_conversation_model(conversation).await {
                        let _ = self.now.try_set(now);
                    }
                });
            }
            is_streaming
        });
    }

    /// Values and words of the choices, and which of them holds. None where there is nothing to choose.
    fn choices(self) -> Option<(Vec<(String, String)>, String)> {
        let chosen = self.now.with_untracked(|now| now.chosen.clone());
        self.models.with_value(|models| choices(models, chosen))
    }
}

fn choices(models: &Models, chosen: Option<ModelName>) -> Option<(Vec<(String, String)>, String)> {
    let default = models.default.as_ref()?;
    let gone = chosen.as_ref().filter(|chosen| models.find(chosen).is_none());
    if models.models.len() < 2 && gone.is_none() {
        return None;
    }
    let others = models.models.iter().map(|model| &model.name).filter(|name| *name != default);
    let options = std::iter::once((String::new(), default.to_string()))
        .chain(gone.map(|gone| (gone.to_string(), format!("{gone} (not offered any more)"))))
        .chain(others.map(|name| (name.to_string(), name.to_string())))
        .collect();
    // The default, chosen by its name, is the default.
    let chosen = chosen.filter(|chosen| chosen != default).map(String::from).unwrap_or_default();
    Some((options, chosen))
}

/// For a new conversation: a field of the form of that id, which counts when it is sent.
#[component]
pub(crate) fn NewModelPicker(answering: Answering, form: &'static str) -> impl IntoView {
    answering.choices().map(|(options, selected)| {
        view! {
            <div class="models">
                <label class="visually-hidden" for="model">"Model"</label>
                <select
                    class="models__select" id="model" name="model" form=form
                    on:change=move |event| answering.picked.set(event_target_value(&event))
                >
                    <Options options selected/>
                </select>
            </div>
        }
    })
}

/// For a conversation: a form of its own, that holds for all questions from the next on.
#[component]
pub(crate) fn ModelPicker(conversation: ConversationId, answering: Answering) -> impl IntoView {
    let action = ServerAction::<ChooseModel>::new();
    let toasts = use_toasts();
    let select = NodeRef::<html::Select>::new();
    Effect::new(move |_| match action.value().get() {
        Some(Ok(now)) => answering.now.set(now),
        Some(Err(error)) => {
            if let (Some(select), Some((_, chosen))) = (select.get_untracked(), answering.choices()) {
                select.set_value(&chosen);
            }
            toasts.push(Toast::bad(error.to_string()));
        }
        None => {}
    });
    let choose = move || {
        if let Some(select) = select.get_untracked() {
            action.dispatch(ChooseModel { conversation, model: select.value() });
        }
    };
    let submitted = move |event: SubmitEvent| {
        event.prevent_default();
        choose();
    };
    answering.choices().map(|(options, selected)| {
        view! {
            <form class="models" method="post" action=ChooseModel::url() on:submit=submitted>
                <input type="hidden" name="conversation" value=conversation.to_string()/>
                <label class="visually-hidden" for="model">"Model"</label>
                <select class="models__select" id="model" name="model" node_ref=select on:change=move |_| choose()>
                    <Options options selected/>
                </select>
                <span class="models__use"><Button variant=Variant::Quiet small=true pending=action.pending()>"Use this model"</Button></span>
            </form>
        }
    })
}

/// How full the model's context is, once it is more than half.
#[component]
pub(crate) fn ContextMeter(answering: Answering) -> impl IntoView {
    let context = Memo::new(move |_| answering.now.with(|now| now.context.filter(|context| context.percent() > HALF)));
    move || {
        context.get().map(|context| {
            let percent = context.percent();
            let explained = format!(
                "The next question takes about {} of {} tokens. When it is full, the oldest turns are left out.",
                context.used_tokens, context.window_tokens
            );
            let title = explained.clone();
            view! {
                <div class="context-meter" title=title>
                    <Progress label="Context" value=Signal::stored(Some(f64::from(percent))) max=100.0/>
                    <span>{format!("Context {percent} % full")}</span>
                    <span class="visually-hidden">{explained}</span>
                </div>
            }
        })
    }
}

/// What a conversation has cost so far; nothing until it has.
#[component]
pub(crate) fn Spending(answering: Answering) -> impl IntoView {
    let words = Memo::new(move |_| answering.now.with(|now| spent_in_words(now.spent)));
    move || words.get().map(|words| view! { <p class="menu__note">{words}</p> })
}

fn spent_in_words(spent: Spent) -> Option<String> {
    let tokens = u32::try_from(spent.tokens).unwrap_or(u32::MAX);
    let tokens = (tokens > 0).then(|| count(tokens, "token"))?;
    Some(match spent.cost {
        Some(cost) => format!("So far {tokens}, {cost}"),
        None => format!("So far {tokens}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::models::{MicroDollars, Model};

    fn name(name: &str) -> ModelName {
        ModelName::parse("model", name).unwrap_or_else(|error| panic!("{error:?}"))
    }

    fn models(names: &[&str]) -> Models {
        let model = |one: &&str| Model { name: name(one), context_tokens: 1, prices: None };
        Models { default: names.first().map(|one| name(one)), models: names.iter().map(model).collect() }
    }

    #[test]
    fn one_model_is_no_choice_unless_another_one_is_gone() {
        assert_eq!(choices(&models(&[]), None), None);
        assert_eq!(choices(&models(&["a"]), None), None);
        assert_eq!(choices(&models(&["a"]), Some(name("a"))), None);
        let (options, chosen) = choices(&models(&["a"]), Some(name("z"))).unwrap_or_default();
        assert_eq!((options.len(), chosen.as_str()), (2, "z"));
        assert_eq!(options[1].1, "z (not offered any more)");
        let (options, chosen) = choices(&models(&["a", "b"]), Some(name("b"))).unwrap_or_default();
        assert_eq!(options, [(String::new(), "a".to_owned()), ("b".to_owned(), "b".to_owned())]);
        assert_eq!(chosen, "b");
        assert_eq!(choices(&models(&["a", "b"]), Some(name("a"))).map(|(_, chosen)| chosen), Some(String::new()));
    }

    #[test]
    fn a_conversation_says_what_it_has_cost() {
        let spent = |tokens, cost: Option<u64>| spent_in_words(Spent { tokens, cost: cost.map(MicroDollars) });
        assert_eq!(spent(0, None), None);
        assert_eq!(spent(1_234, None).as_deref(), Some("So far 1234 tokens"));
        assert_eq!(spent(1_234, Some(45_600)).as_deref(), Some("So far 1234 tokens, $0.05"));
    }
}
