//! Counts every operation of the store's client, in one place.

use crate::metrics::recorded;
use aws_sdk_s3::config::{
    ConfigBag, Intercept, RuntimeComponents,
    interceptors::{BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef},
};
use aws_smithy_runtime_api::{box_error::BoxError, client::orchestrator::Metadata};
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use std::time::Instant;

#[derive(Debug)]
pub(super) struct Measure;

/// When an operation began.
#[derive(Debug)]
struct Begun(Instant);

impl Storable for Begun {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Measure {
    fn name(&self) -> &'static str {
        "Measure"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        state: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        state.interceptor_state().store_put(Begun(Instant::now()));
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        state: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(Begun(begun)), Some(operation)) = (state.load::<Begun>(), state.load::<Metadata>()) {
            // The name is the protocol's own, such as GetObject.
            let status = context.response().map(|response| response.status().as_u16());
            recorded::storage(operation.name(), status, begun.elapsed());
        }
        Ok(())
    }
}
