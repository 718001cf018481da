//! Erasure coding: every file is replicated, and this is what clients that ask are told.

use super::super::NameNode;
use super::super::permission::Need;
use super::attributes::existing;
use crate::HdfsError;
use crate::proto::hdfs::{
    GetErasureCodingCodecsRequestProto, GetErasureCodingCodecsResponseProto,
    GetErasureCodingPoliciesRequestProto, GetErasureCodingPoliciesResponseProto,
    GetErasureCodingPolicyRequestProto, GetErasureCodingPolicyResponseProto,
};
use crate::rpc::Call;

impl NameNode {
    /// None in force anywhere.
    pub(in super::super) fn get_erasure_coding_policy(
        &self,
        call: &Call<'_>,
        request: GetErasureCodingPolicyRequestProto,
    ) -> Result<GetErasureCodingPolicyResponseProto, HdfsError> {
        let checker = self.checker(call);
        let state = self.lock();
        let path = state.namespace.resolve(&request.src)?;
        checker.check(&state.namespace, &path, Need::TRAVERSE)?;
        existing(&path)?;
        Ok(GetErasureCodingPolicyResponseProto { ec_policy: None })
    }

    /// None can be set.
    pub(in super::super) fn get_erasure_coding_policies(
        &self,
        _call: &Call<'_>,
        _request: GetErasureCodingPoliciesRequestProto,
    ) -> Result<GetErasureCodingPoliciesResponseProto, HdfsError> {
        Ok(GetErasureCodingPoliciesResponseProto {
            ec_policies: Vec::new(),
        })
    }

    /// None is known.
    pub(in super::super) fn get_erasure_coding_codecs(
        &self,
        _call: &Call<'_>,
        _request: GetErasureCodingCodecsRequestProto,
    ) -> Result<GetErasureCodingCodecsResponseProto, HdfsError> {
        Ok(GetErasureCodingCodecsResponseProto { codec: Vec::new() })
    }
}
