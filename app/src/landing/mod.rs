//! The page for whoever is not signed in: what Atelier is, shown by one answer and its source.

use crate::ui::{Glyph, Icon, LinkButton, Mark, Variant};
use leptos::prelude::*;
use leptos_meta::{Meta, Title};

#[component]
pub fn LandingPage(signed_in: bool) -> impl IntoView {
    let actions = if signed_in {
        view! { <LinkButton href="/workspaces" variant=Variant::Primary>"Open your workspaces"</LinkButton> }.into_any()
    } else {
        view! {
            <LinkButton href="/register" variant=Variant::Primary>"Create an account"</LinkButton>
            <LinkButton href="/login">"Sign in"</LinkButton>
        }
        .into_any()
    };
    view! {
        <Title text=""/>
        <Meta name="description" content="A self-hosted workspace that answers from your team's documents and shows the passage behind every answer."/>
        <div class="landing">
            <header class="landing__head">
                <a class="wordmark wordmark--large" href="/"><Mark size=24/>"atelier"</a>
            </header>
            <main class="landing__main" id="main" tabindex="-1">
                <div class="landing__pitch">
                    <h1>"Ask your team\u{2019}s documents, and read the passage behind every answer."</h1>
                    <div class="landing__actions">{actions}</div>
                </div>
                <Example/>
            </main>
        </div>
    }
}

/// A question, its answer and the passage that it cites, as chat shows them.
#[component]
fn Example() -> impl IntoView {
    view! {
        <figure class="example" aria-label="An example: a question, its answer and the passage it cites">
            <div class="example__thread">
                <p class="example__question">"How do we talk about price?"</p>
                <div class="example__answer">
                    <p>
                        "State it, and say what it pays for. The guide asks for the price of a cup before the price of a "
                        <span class="example__last">"bag"<a class="example__cite" href="#example-source" aria-label="Source 1">"1"</a>", "</span>
                        "and rules out \u{201c}deal\u{201d} and "
                        <span class="example__last">"\u{201c}only\u{201d}"<a class="example__cite" href="#example-source" aria-label="Source 2">"2"</a>"."</span>
                    </p>
                    <p class="example__meta">"2 sources \u{b7} 1 document read"</p>
                </div>
            </div>
            <figcaption class="example__source" id="example-source">
                <p class="example__file"><Icon glyph=Glyph::FileText/>"Nordlys brand guide.pdf"<span>"Page 12"</span></p>
                <blockquote>
                    <p class="example__heading">"4.2 \u{2002} Price"</p>
                    <p>
                        "Prices are stated, not sold. "
                        <mark>"Give the price of a cup before the price of a bag"<sup aria-hidden="true">"1"</sup></mark>
                        ", and name the farm that it pays. "
                        <mark>"Never write \u{201c}deal\u{201d} or \u{201c}only\u{201d}"<sup aria-hidden="true">"2"</sup></mark>
                        "; a fair price needs no excuse."
                    </p>
                    <p>"On the shelf, the figure stands alone: no stars, no struck-out sums. Where there is room, one line says where the money goes."</p>
                </blockquote>
            </figcaption>
        </figure>
    }
}
