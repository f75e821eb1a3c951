//! GoTrue's errors, in both of its formats.

use crate::fault::Fault;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;

macro_rules! codes {
    ($($name:ident = $text:literal,)*) => {
        /// The `error_code`s that this provider uses, by GoTrue's names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Code {
            $($name,)*
        }

        impl Code {
            pub(super) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    AnonymousProviderDisabled = "anonymous_provider_disabled",
    BadCodeVerifier = "bad_code_verifier",
    BadJson = "bad_json",
    BadJwt = "bad_jwt",
    CurrentPasswordInvalid = "current_password_invalid",
    EmailExists = "email_exists",
    EmailNotConfirmed = "email_not_confirmed",
    FlowStateExpired = "flow_state_expired",
    FlowStateNotFound = "flow_state_not_found",
    InsufficientAal = "insufficient_aal",
    InvalidCredentials = "invalid_credentials",
    MfaChallengeExpired = "mfa_challenge_expired",
    MfaFactorNameConflict = "mfa_factor_name_conflict",
    MfaFactorNotFound = "mfa_factor_not_found",
    MfaPhoneEnrollNotEnabled = "mfa_phone_enroll_not_enabled",
    MfaVerificationFailed = "mfa_verification_failed",
    MfaWebauthnEnrollNotEnabled = "mfa_webauthn_enroll_not_enabled",
    NoAuthorization = "no_authorization",
    NotAdmin = "not_admin",
    NotFound = "not_found",
    OtpDisabled = "otp_disabled",
    OtpExpired = "otp_expired",
    OverEmailSendRateLimit = "over_email_send_rate_limit",
    OverRequestRateLimit = "over_request_rate_limit",
    PhoneProviderDisabled = "phone_provider_disabled",
    ReauthenticationNotValid = "reauthentication_not_valid",
    RefreshTokenAlreadyUsed = "refresh_token_already_used",
    RefreshTokenNotFound = "refresh_token_not_found",
    RequestTooLarge = "request_too_large",
    SamePassword = "same_password",
    SessionExpired = "session_expired",
    SessionNotFound = "session_not_found",
    SignupDisabled = "signup_disabled",
    TooManyEnrolledMfaFactors = "too_many_enrolled_mfa_factors",
    UnexpectedFailure = "unexpected_failure",
    UserAlreadyExists = "user_already_exists",
    UserBanned = "user_banned",
    UserNotFound = "user_not_found",
    ValidationFailed = "validation_failed",
    WeakPassword = "weak_password",
}

/// What an endpoint refuses, to be written in the format that the request asked for (see [`super::protocol`]).
#[derive(Clone, Debug)]
pub(super) struct AuthError {
    status: StatusCode,
    code: Code,
    message: String,
    weak_password: Vec<&'static str>,
    retry_after: Option<Duration>,
}

impl AuthError {
    pub(super) fn new(status: u16, code: Code, message: &str) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code, message: message.to_owned(), weak_password: Vec::new(), retry_after: None }
    }

    pub(super) fn weak_password(message: &str, reasons: &[&'static str]) -> Self {
        Self { weak_password: reasons.to_vec(), ..Self::new(422, Code::WeakPassword, message) }
    }

    pub(super) fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn code(&self) -> Code {
        self.code
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// 400 for what a request says wrongly.
    pub(super) fn invalid(message: &str) -> Self {
        Self::new(400, Code::ValidationFailed, message)
    }

    /// The error's body: since 2024-01-01 `code` is the name, before it was the status.
    fn body(&self, dated: bool) -> Value {
        let mut body = if dated {
            json!({ "code": self.code.as_str(), "message": self.message })
        } else {
            json!({ "code": self.status.as_u16(), "error_code": self.code.as_str(), "msg": self.message })
        };
        if self.code == Code::WeakPassword {
            body["weak_password"] = json!({ "reasons": self.weak_password });
        }
        body
    }

    /// The whole response; `dated` for clients that asked for the newer format.
    pub(super) fn to_response(&self, dated: bool) -> Response {
        let mut response = (self.status, Json(self.body(dated))).into_response();
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("x-sb-error-code"), HeaderValue::from_static(self.code.as_str()));
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}

impl From<Fault> for AuthError {
    fn from(fault: Fault) -> Self {
        tracing::error!(error = ?fault, "the embedded identity provider failed");
        Self::new(500, Code::UnexpectedFailure, "Unexpected failure, please check server logs for more information")
    }
}

impl From<sqlx::Error> for AuthError {
    fn from(error: sqlx::Error) -> Self {
        Fault::from(error).into()
    }
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
