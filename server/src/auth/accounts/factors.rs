//! The second factor of a person.

use super::{Present, RequestAccounts};
use crate::{
    auth::{
        client::{ClientError, Factor},
        cookie::SessionTokens,
    },
    fault::Fault,
};
use domain::{Error, accounts::Enrolment};
use qrcode::{EcLevel, QrCode, render::svg};
use uuid::Uuid;

/// A code is tried on so many of a person's apps: each try counts at the provider.
const MAX_TRIES: usize = 3;
const MAX_NAME_CHARS: usize = 60;

impl RequestAccounts {
    pub(super) async fn answer_factor(&self, code: &str) -> Result<(), Error> {
        let token = self.token().ok_or(Error::Unauthenticated)?;
        self.verified(&token).await?;
        let tokens = self.prove_any(&token, &digits(code)?, None).await?;
        self.arrive(tokens).await?;
        Ok(())
    }

    pub(super) async fn enrol_factor(&self, name: &str) -> Result<Enrolment, Error> {
        let present = self.present().await?;
        let name = match name.trim() {
            "" => "Authenticator app",
            name => name,
        };
        if name.chars().count() > MAX_NAME_CHARS {
            return Err(Error::invalid("name", format!("Use a name of at most {MAX_NAME_CHARS} characters.")));
        }
        let client = self.identity().client();
        // One that was begun and left has the name until the provider forgets it.
        for left in client.profile(&present.token).await?.factors.iter().filter(|factor| {
            !factor.is_verified() && factor.friendly_name.as_deref().is_some_and(|other| other.trim() == name)
        }) {
            client.remove_factor(&present.token, left.id, self.address).await?;
        }
        let enrolled = client.enrol(&present.token, name, self.address).await?;
        Ok(Enrolment {
            factor_id: enrolled.id.to_string(),
            qr_svg: qr_code(&enrolled.totp.uri)?,
            secret: enrolled.totp.secret,
            uri: enrolled.totp.uri,
        })
    }

    pub(super) async fn confirm_factor(&self, factor_id: &str, code: &str) -> Result<(), Error> {
        let present = self.present().await?;
        let tokens = self
            .identity()
            .client()
            .prove(&present.token, parse(factor_id)?, &digits(code)?, self.address)
            .await
            .map_err(told)?;
        self.raised(&present, tokens).await
    }

    pub(super) async fn remove_factor(&self, factor_id: &str, code: &str) -> Result<(), Error> {
        let present = self.present().await?;
        let factor = parse(factor_id)?;
        let tokens = self.prove_any(&present.token, &digits(code)?, Some(factor)).await?;
        self.identity().client().remove_factor(&tokens.access, factor, self.address).await?;
        self.raised(&present, tokens).await
    }

    /// The session goes on at its higher level; the person's others have to give a code now, or no more.
    async fn raised(&self, present: &Present, tokens: SessionTokens) -> Result<(), Error> {
        self.tell(present.user.id()).await;
        self.arrive(tokens).await?;
        Ok(())
    }

    /// A code of any of the person's apps; that of `first` is the likeliest.
    async fn prove_any(&self, token: &str, code: &str, first: Option<Uuid>) -> Result<SessionTokens, Error> {
        let client = self.identity().client();
        let profile = client.profile(token).await?;
        let mut factors: Vec<Factor> =
            profile.factors.into_iter().filter(|factor| factor.is_totp() && factor.is_verified()).collect();
        factors.sort_by_key(|factor| Some(factor.id) != first);
        let mut refusal = gone();
        for factor in factors.into_iter().take(MAX_TRIES) {
            match client.prove(token, factor.id, code, self.address).await {
                Ok(tokens) => return Ok(tokens),
                Err(error) if error.code() == "mfa_verification_failed" => refusal = error.into(),
                Err(error) => return Err(told(error)),
            }
        }
        Err(refusal)
    }
}

/// What is typed in, without the gap that apps show in the middle.
fn digits(code: &str) -> Result<String, Error> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(digits)
    } else {
        Err(Error::invalid("code", "Enter the six digits that the app shows."))
    }
}

/// The id comes back from a form, so it may be anything.
fn parse(factor_id: &str) -> Result<Uuid, Error> {
    factor_id.parse().map_err(|_| gone())
}

fn gone() -> Error {
    Error::conflict("This second factor is not there any more. Reload the page to see those that are.")
}

fn told(error: ClientError) -> Error {
    match error.code() {
        "validation_failed" => Error::invalid("code", "Enter the six digits that the app shows."),
        _ => error.into(),
    }
}

/// Drawn here: GoTrue's own is a `data:` address, which is more to let in than a page needs.
fn qr_code(uri: &str) -> Result<String, Fault> {
    let code = QrCode::with_error_correction_level(uri, EcLevel::M)
        .map_err(Fault::while_doing("draw a second factor's QR code"))?;
    let document = code.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
    // Without the XML declaration it may stand in a page too.
    Ok(document.find("<svg").map_or_else(|| document.clone(), |start| document[start..].to_owned()))
}
