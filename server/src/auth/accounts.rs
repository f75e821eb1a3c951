//! The port to the identity provider, for one request.

use async_trait::async_trait;
use domain::{
    Error,
    accounts::{Accounts, Credentials, SignInOptions, SignedUp},
};

/// Signs up, in and out for one request. [`super::session_layer`] puts one into the request's extensions, and sets the
/// cookies that it wrote on the response. Also an axum extractor.
#[derive(Clone, Debug)]
pub struct RequestAccounts {}

#[async_trait]
impl Accounts for RequestAccounts {
    async fn options(&self) -> Result<SignInOptions, Error> {
        Err(Error::NotFound)
    }

    async fn sign_up(&self, _new: Credentials) -> Result<SignedUp, Error> {
        Err(Error::NotFound)
    }

    async fn sign_in(&self, _credentials: Credentials) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    async fn sign_out(&self) -> Result<(), Error> {
        Err(Error::NotFound)
    }
}
