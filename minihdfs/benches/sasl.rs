//! The cost of SASL on each layer, and of tokens: `cargo bench -p minihdfs --bench sasl`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use kerbox_krb5::Timestamp;
use minihdfs::HdfsError;
use minihdfs::sasl::{
    DigestCipher, DigestMd5Client, DigestMd5Settings, QualityOfProtection, SaslServer, SaslStep,
    UnwrapHalf, WrapHalf,
};
use minihdfs::secret_manager::{
    BlockAccess, BlockTokenSecretManager, BlockTokenSettings, SecretManager, TokenUser,
};
use minihdfs::token::{AccessMode, StorageType};
use rand::SeedableRng;
use rand::rngs::StdRng;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
/// The size of one message from a client.
const LENGTH: usize = 64 * 1024;

struct OnePassword;

impl SecretManager for OnePassword {
    fn sasl_password(&self, _now: Timestamp, _user_name: &str) -> Result<String, HdfsError> {
        Ok("secret".to_owned())
    }

    fn token_user(&self, user_name: &str) -> Result<TokenUser, HdfsError> {
        Ok(TokenUser {
            effective: user_name.to_owned(),
            real: None,
        })
    }
}

/// Performs a complete DIGEST-MD5 handshake. Returns the server and the client's two directions.
fn digest_md5(
    qop: QualityOfProtection,
    cipher: DigestCipher,
    rng: &mut StdRng,
) -> (SaslServer, WrapHalf, UnwrapHalf) {
    let mut settings = DigestMd5Settings::data_transfer(&[qop]);
    settings.ciphers = vec![cipher];
    let mut server = SaslServer::digest_md5(settings, Arc::new(OnePassword), rng);
    let mut client =
        DigestMd5Client::data_transfer("user".to_owned(), "secret".to_owned(), &[qop], rng);
    let Ok(SaslStep::Challenge(challenge)) = server.step(NOW, b"", rng) else {
        unreachable!("the server speaks first")
    };
    let response = client.respond(&challenge).expect("our own challenge");
    let Ok(SaslStep::Success(Some(proof))) = server.step(NOW, &response, rng) else {
        unreachable!("the password is right")
    };
    let (_, wrap, unwrap) = client.finish(&proof).expect("our own proof");
    (server, wrap, unwrap)
}

fn layers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("DIGEST-MD5");
    group
        .throughput(Throughput::Bytes(LENGTH as u64))
        .sample_size(20);
    for (name, qop, cipher) in [
        (
            "auth-int",
            QualityOfProtection::Integrity,
            DigestCipher::TripleDes,
        ),
        (
            "auth-conf 3des",
            QualityOfProtection::Privacy,
            DigestCipher::TripleDes,
        ),
        (
            "auth-conf rc4",
            QualityOfProtection::Privacy,
            DigestCipher::Rc4,
        ),
    ] {
        let (mut server, mut wrap, mut unwrap) =
            digest_md5(qop, cipher, &mut StdRng::seed_from_u64(1));
        wrapping(&mut group, name, &mut wrap);
        unwrapping(&mut group, name, &mut server, &mut unwrap);
    }
    group.finish();
}

/// Measures the client's outgoing messages, in one piece and in two.
fn wrapping(group: &mut Group<'_>, name: &str, wrap: &mut WrapHalf) {
    let message = vec![7; LENGTH];
    let mut token = Vec::new();
    group.bench_function(BenchmarkId::new("wrap", name), |bench| {
        bench.iter(|| {
            token.clear();
            wrap.wrap_into(black_box(&message), &mut token);
        });
    });
    group.bench_function(BenchmarkId::new("wrap as two halves", name), |bench| {
        let (half, other) = message.split_at(LENGTH / 2);
        bench.iter(|| {
            token.clear();
            wrap.wrap_frames_into([black_box(half), black_box(other)], &mut token);
        });
    });
}

/// Measures the client's incoming messages, in one piece and in two.
fn unwrapping(group: &mut Group<'_>, name: &str, server: &mut SaslServer, unwrap: &mut UnwrapHalf) {
    let message = vec![7; LENGTH];
    let mut plaintext = Vec::new();
    group.bench_function(BenchmarkId::new("unwrap", name), |bench| {
        bench.iter_batched(
            || server.wrap(&message),
            |token| {
                plaintext.clear();
                unwrap
                    .unwrap_into(&token, &mut plaintext)
                    .expect("in order");
            },
            // Tokens can only be opened in order. A larger batch keeps the order as well.
            BatchSize::PerIteration,
        );
    });
    group.bench_function(BenchmarkId::new("unwrap as two halves", name), |bench| {
        let (half, other) = message.split_at(LENGTH / 2);
        bench.iter_batched(
            || [half, other].map(|message| server.wrap(message)),
            |tokens| {
                plaintext.clear();
                unwrap
                    .unwrap_pair_into(tokens.each_ref().map(Vec::as_slice), &mut plaintext)
                    .expect("in order");
            },
            BatchSize::PerIteration,
        );
    });
}

fn handshake(criterion: &mut Criterion) {
    let mut rng = StdRng::seed_from_u64(1);
    criterion.bench_function("DIGEST-MD5 handshake, both sides", |bench| {
        bench.iter(|| {
            digest_md5(
                QualityOfProtection::Authentication,
                DigestCipher::TripleDes,
                &mut rng,
            )
        });
    });
}

fn block_tokens(criterion: &mut Criterion) {
    let settings = BlockTokenSettings {
        block_pool_id: "BP-1-127.0.0.1-1".to_owned(),
        key_update_interval: Duration::from_secs(10 * 3600),
        token_lifetime: Duration::from_secs(10 * 3600),
        protobuf: false,
        encryption_algorithm: None,
    };
    let manager = BlockTokenSecretManager::new(settings, NOW, &mut StdRng::seed_from_u64(1));
    let ids = ["DS-1", "DS-2", "DS-3"].map(str::to_owned);
    let issue = || {
        manager.issue(
            NOW,
            "alice",
            1_073_741_825,
            &[AccessMode::Read],
            &[StorageType::Disk; 3],
            &ids,
        )
    };
    criterion.bench_function("issue a block token", |bench| {
        bench.iter(|| black_box(issue()));
    });
    let token = issue();
    let access = BlockAccess {
        block_pool_id: "BP-1-127.0.0.1-1",
        block_id: 1_073_741_825,
        generation_stamp: 1001,
        mode: AccessMode::Read,
        storage_types: &[],
        storage_ids: &[],
    };
    criterion.bench_function("check a block token", |bench| {
        bench.iter(|| {
            manager
                .check_access(NOW, black_box(&token), &access)
                .expect("valid")
        });
    });
}

criterion_group!(benches, layers, handshake, block_tokens);
criterion_main!(benches);
