//! What a person comes back from: a link or a code of a mail, or another provider's page.

use super::RequestAccounts;
use crate::{
    auth::{
        client::{ClientError, Mailed, OTHER_BROWSER, Verified},
        cookie::{Flow, FlowKind},
        layer,
    },
    fault::Fault,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{
    Error,
    accounts::{Arrival, LinkKind},
    redirect::safe_next,
    text::Email,
};
use rand::{TryRngCore, rngs::OsRng};
use sha2::{Digest, Sha256};
use url::Url;

const UNUSABLE: &str = "This link is not complete, or was used already. Ask for a new one.";
const RESET_PAGE: &str = "/reset";
/// Ours are a few hundred bytes; what is far longer is nonsense.
const MAX_CODE_BYTES: usize = 4096;

/// Something that is about to begin: where it comes back to, and the challenge whose proof the flow keeps.
pub(super) struct Asked {
    pub flow: Flow,
    redirect_to: String,
    challenge: String,
}

impl Asked {
    pub(super) fn mailed(&self) -> Mailed<'_> {
        Mailed { redirect_to: &self.redirect_to, challenge: &self.challenge }
    }
}

impl RequestAccounts {
    pub(super) fn ask_for(&self, kind: FlowKind, next: Option<&str>) -> Result<Asked, Error> {
        let next = next.and_then(safe_next).map(str::to_owned);
        let verifier = verifier()?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let redirect_to = callback(self.identity().site(), next.as_deref());
        Ok(Asked { flow: Flow { verifier, kind, next, begun: layer::now() }, redirect_to, challenge })
    }

    pub(super) async fn open_by_code(&self, email: &Email, code: &str) -> Result<Arrival, Error> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        if code.is_empty() {
            return Err(Error::invalid("code", "Enter the code of the mail."));
        }
        // What was asked for last in this browser is what the code is of: the digits do not say it.
        let is_recovery = self.jar.flows().last().is_some_and(|flow| flow.kind == FlowKind::Recovery);
        match self.identity().client().verify_code(email, &code, self.address).await.map_err(ClientError::at_code)? {
            Verified::Half => Ok(Arrival::EmailHalfChanged),
            Verified::Session(tokens) => Ok(leads_to(self.arrive(tokens).await?, is_recovery)),
        }
    }

    pub(super) async fn open_link(&self, token_hash: &str, kind: LinkKind) -> Result<Arrival, Error> {
        if token_hash.is_empty() || token_hash.len() > MAX_CODE_BYTES {
            return Err(Error::invalid("link", UNUSABLE));
        }
        let opened = self.identity().client().verify_link(token_hash, kind, self.address).await;
        match opened.map_err(ClientError::at_link)? {
            Verified::Half => Ok(Arrival::EmailHalfChanged),
            Verified::Session(tokens) => Ok(leads_to(self.arrive(tokens).await?, chooses_password(kind))),
        }
    }

    pub(super) async fn begin_oauth(&self, provider: &str, next: Option<&str>) -> Result<String, Error> {
        if !self.identity().options().await?.oauth.iter().any(|enabled| enabled == provider) {
            return Err(Error::invalid("provider", "This way of signing in is not enabled here. Choose another one."));
        }
        let asked = self.ask_for(FlowKind::SignIn, next)?;
        let url = self.identity().client().authorize_url(provider, &asked.redirect_to, &asked.challenge);
        self.jar.begin(asked.flow);
        Ok(url)
    }

    /// The code does not say what it is for, nor which of the flows of this browser it ends: the provider knows which
    /// proof it belongs to, and a wrong one leaves it as it was.
    pub(super) async fn exchange(&self, code: &str) -> Result<(Arrival, Option<String>), Error> {
        if code.is_empty() || code.len() > MAX_CODE_BYTES {
            return Err(Error::invalid("link", UNUSABLE));
        }
        for flow in self.jar.flows().into_iter().rev() {
            match self.identity().client().exchange_code(code, &flow.verifier, self.address).await {
                Ok(tokens) => {
                    let is_recovery = flow.kind == FlowKind::Recovery;
                    let arrival = leads_to(self.arrive(tokens).await?, is_recovery);
                    self.jar.end(&flow);
                    // Whoever came to choose a password does so once the code is given.
                    let waits = is_recovery && arrival == Arrival::SecondFactor;
                    return Ok((arrival, if waits { Some(RESET_PAGE.to_owned()) } else { flow.next }));
                }
                Err(error) if error.code() == "bad_code_verifier" => {}
                Err(error) => return Err(error.at_link()),
            }
        }
        Err(Error::invalid("link", OTHER_BROWSER))
    }

    /// Tokens that stood in an address are in the browser's history: they are verified, and exchanged for others at once,
    /// which also shows that the two belong together.
    pub(super) async fn take_over(
        &self,
        access: &str,
        refresh: &str,
        kind: Option<LinkKind>,
    ) -> Result<Arrival, Error> {
        let unusable = || Error::invalid("link", UNUSABLE);
        if refresh.is_empty() || refresh.len() > MAX_CODE_BYTES {
            return Err(unusable());
        }
        let as_link = |error| if error == Error::Unauthenticated { unusable() } else { error };
        let claims = self.verified(access).await.map_err(as_link)?;
        let renewed = self.identity().client().refresh(refresh, self.address).await.map_err(ClientError::at_link)?;
        let renewed_claims = self.verified(&renewed.access).await.map_err(as_link)?;
        if (renewed_claims.sub, renewed_claims.session_id) != (claims.sub, claims.session_id) {
            return Err(unusable());
        }
        Ok(leads_to(self.arrive(renewed).await?, kind.is_some_and(chooses_password)))
    }
}

/// Who was invited has an account with a password that nobody knows (GoTrue's signupVerify).
const fn chooses_password(kind: LinkKind) -> bool {
    matches!(kind, LinkKind::Recovery | LinkKind::Invite)
}

/// The second factor comes before the new password.
const fn leads_to(arrival: Arrival, chooses_password: bool) -> Arrival {
    match arrival {
        Arrival::SignedIn if chooses_password => Arrival::ChoosePassword,
        other => other,
    }
}

/// Where mails and other providers send the browser back to.
fn callback(site: &Url, next: Option<&str>) -> String {
    let mut url = site.clone();
    url.set_path("/auth/callback");
    if let Some(next) = next {
        url.query_pairs_mut().append_pair("next", next);
    }
    url.into()
}

/// RFC 7636, 4.1: 256 random bits, as 43 characters.
fn verifier() -> Result<String, Fault> {
    let mut bytes = [0; 32];
    OsRng.try_fill_bytes(&mut bytes).map_err(Fault::while_doing("make a PKCE verifier"))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
