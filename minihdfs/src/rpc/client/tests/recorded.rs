//! Recorded bytes that Hadoop's NameNode 3.4.3 sent to this client.

use kerbox_krb5::testing::unhex;
use rand::Rng;

use super::*;
use crate::rpc::client::response::Response;
use crate::rpc::header::ErrorCode;

/// A connection with a token, up to the response of its first call, `mkdirs`.
struct Recorded {
    qop: QualityOfProtection,
    token: &'static str,
    /// The NameNode's offer, its proof, and the response.
    received: &'static str,
}

/// The client drew its random numbers from this seed and the protection's number.
fn recorded() -> [Recorded; 3] {
    [
        Recorded {
            qop: Authentication,
            token: "KgARYWxpY2VARVhBTVBMRS5DT00FYWxpY2UAigGiI38Wf4oBokeLmn8BAhRp4FG72xzjUHvtjBmN\
            pyObbWx8bxVIREZTX0RFTEVHQVRJT05fVE9LRU4A",
            received: "000000ff0e08dfffffff0f100018093a004001ee01100122c4010a05544f4b454e120a444947\
            4553542d4d44351a00220764656661756c742aa3017265616c6d3d2264656661756c74222c6e\
            6f6e63653d2274494e3068564f2b4d75567a4f336b70732f6f57614555344a70576f58413254\
            2f466d7969365075222c716f703d22617574682c617574682d696e742c617574682d636f6e66\
            222c636861727365743d7574662d382c6369706865723d22336465732c7263342c6465732c72\
            63342d35362c7263342d3430222c616c676f726974686d3d6d64352d7365737322230a084b45\
            524245524f5312064753534150491a046864667322096c6f63616c686f73740000003c0e08df\
            ffffff0f100018093a0040012c10001a28727370617574683d37393035353634636464316465\
            323664613536386134656263383565313166330000001e1a0800100018093a107f6f2ccdb23f\
            4abbbb69278e947c01c64000020801",
        },
        Recorded {
            qop: Integrity,
            token: "KgARYWxpY2VARVhBTVBMRS5DT00FYWxpY2UAigGiI38fTYoBokeLo00CAhRv9ymYm5oV_7uQ69Eu\
            gyZhTrNNOhVIREZTX0RFTEVHQVRJT05fVE9LRU4A",
            received: "000000ff0e08dfffffff0f100018093a004001ee01100122c4010a05544f4b454e120a444947\
            4553542d4d44351a00220764656661756c742aa3017265616c6d3d2264656661756c74222c6e\
            6f6e63653d223051574e4f456c316a54622f5968616b445a5a6872597739413367714c6d4446\
            4936337a36783770222c716f703d22617574682c617574682d696e742c617574682d636f6e66\
            222c636861727365743d7574662d382c6369706865723d22336465732c7263342c6465732c72\
            63342d35362c7263342d3430222c616c676f726974686d3d6d64352d7365737322230a084b45\
            524245524f5312064753534150491a046864667322096c6f63616c686f73740000003c0e08df\
            ffffff0f100018093a0040012c10001a28727370617574683d64346331333264336537373531\
            37663163396262356162396537393661303233000000400808dfffffff0f10003610051a3200\
            00001e1a0800100018093a10611830d3641a48f98a690dcc25d1f4b040000208013348828d11\
            7056ca866c000100000000",
        },
        Recorded {
            qop: Privacy,
            token: "KgARYWxpY2VARVhBTVBMRS5DT00FYWxpY2UAigGiI38l9YoBokeLqfUDAhScg7Qb9pIPA0R945ab\
            njEGMX7VoBVIREZTX0RFTEVHQVRJT05fVE9LRU4A",
            received: "000000ff0e08dfffffff0f100018093a004001ee01100122c4010a05544f4b454e120a444947\
            4553542d4d44351a00220764656661756c742aa3017265616c6d3d2264656661756c74222c6e\
            6f6e63653d226b5455716c5741556b726f615579505175757236676b69534d3655627042486e\
            79336f4970782b57222c716f703d22617574682c617574682d696e742c617574682d636f6e66\
            222c636861727365743d7574662d382c6369706865723d22336465732c7263342c6465732c72\
            63342d35362c7263342d3430222c616c676f726974686d3d6d64352d7365737322230a084b45\
            524245524f5312064753534150491a046864667322096c6f63616c686f73740000003c0e08df\
            ffffff0f100018093a0040012c10001a28727370617574683d39383336636530313336343563\
            38393063396330313164333534333235653433000000440808dfffffff0f10003a10051a369f\
            112f5161051854478694367c93232d7f8242892eec91bf8590240375c6a42d9c2c8dda50adf3\
            72c4bb8991b301958a000100000000",
        },
    ]
}

/// The bytes that the NameNode accepted at `privacy`: preamble, two SASL messages, the wrapped
/// connection context, and the wrapped call.
const SENT: &str = "687270630900df0000000e0a080210001841220028010210010000016b0a0802100018412200\
    2801de0210021ab902636861727365743d7574662d382c757365726e616d653d224142466862\
    476c6a5a5542465745464e554578464c6b4e505451566862476c6a5a51434b4161496a667958\
    31696747695234757039514d43222c7265616c6d3d2264656661756c74222c6e6f6e63653d22\
    6b5455716c5741556b726f615579505175757236676b69534d3655627042486e79336f497078\
    2b57222c6e633d30303030303030312c636e6f6e63653d226539562b515358326b4f53676476\
    6f5046464d74363652416155675746337a646d657662687a5764222c6469676573742d757269\
    3d222f64656661756c74222c6d61786275663d36353533362c726573706f6e73653d65326132\
    333466326235636562363931623665623366376165623533653038382c716f703d617574682d\
    636f6e662c6369706865723d223364657322221e0a05544f4b454e120a4449474553542d4d44\
    351a00220764656661756c74000000760a080210001841220028016a10051a66f5bc52379e92\
    ffedefd42b01ecadb4bb111e6a31eeff797c045b3cc9243e4ae252981106fd0d84d7c76dc203\
    650fd762603332a508bb5d45408e05ec1d7f28f1ef552b1ef8ec69607a58bcaa7ae1b5d16030\
    52f55b58cba228f24594c743f364000100000000000000a80a080210001841220028019b0110\
    051a96018f647e9d1f96b47120976b961aac096ab8d21a1ab61c9fa39c598b429c43981b9a0e\
    c26ebe6263dff6e3a5ea8e69220d11118b42b42f9be64cd6c2d74705483c208b0dec2e58b352\
    60d514f2dd4bef346778d5c66e2c92814aebdfa4a70b84556bf47c7f6743931b4b4e90c60a94\
    1a896a041d7a09b358cf9b1754c3f6d0fa2fb9619d7c58cdfd23ed7ca6ffc810a45d00010000\
    0001";

/// An answer to a cancelled token.
const CANCELLED: &str = "0000007e7d08dfffffff0f10021809223b6f72672e6170616368652e6861646f6f702e736563\
    75726974792e746f6b656e2e5365637265744d616e6167657224496e76616c6964546f6b656e\
    2a2e546f6b656e20666f72207265616c20757365723a202c2063616e277420626520666f756e\
    6420696e206361636865300f3a004001";

/// An answer to a client without security.
const NOT_ENABLED: &str = "00000089870108ffffffff0f1002180922316f72672e6170616368652e6861646f6f702e7365\
    6375726974792e416363657373436f6e74726f6c457863657074696f6e2a4253494d504c4520\
    61757468656e7469636174696f6e206973206e6f7420656e61626c65642e2020417661696c61\
    626c653a5b544f4b454e2c204b45524245524f535d300f3a004001";

/// An answer to a call of a protocol that the NameNode does not have.
const NO_SUCH_PROTOCOL: &str = "0000040b890808001001180922306f72672e6170616368652e6861646f6f702e6970632e5270\
    634e6f5375636850726f746f636f6c457863657074696f6e2ab807556e6b6e6f776e2070726f\
    746f636f6c3a206f72672e6170616368652e6861646f6f702e4e6f5375636850726f746f636f\
    6c0a096174206f72672e6170616368652e6861646f6f702e6970632e50726f746f6275665270\
    63456e67696e6532245365727665722450726f746f427566527063496e766f6b65722e676574\
    50726f746f636f6c496d706c2850726f746f627566527063456e67696e65322e6a6176613a35\
    3139290a096174206f72672e6170616368652e6861646f6f702e6970632e50726f746f627566\
    527063456e67696e6532245365727665722450726f746f427566527063496e766f6b65722e63\
    616c6c2850726f746f627566527063456e67696e65322e6a6176613a353836290a096174206f\
    72672e6170616368652e6861646f6f702e6970632e50726f746f627566527063456e67696e65\
    32245365727665722450726f746f427566527063496e766f6b65722e63616c6c2850726f746f\
    627566527063456e67696e65322e6a6176613a353733290a096174206f72672e617061636865\
    2e6861646f6f702e6970632e525043245365727665722e63616c6c285250432e6a6176613a31\
    323238290a096174206f72672e6170616368652e6861646f6f702e6970632e53657276657224\
    52706343616c6c2e72756e285365727665722e6a6176613a31323436290a096174206f72672e\
    6170616368652e6861646f6f702e6970632e5365727665722452706343616c6c2e72756e2853\
    65727665722e6a6176613a31313639290a096174206a6176612e626173652f6a6176612e7365\
    6375726974792e416363657373436f6e74726f6c6c65722e646f50726976696c656765642841\
    6363657373436f6e74726f6c6c65722e6a6176613a373132290a096174206a6176612e626173\
    652f6a617661782e73656375726974792e617574682e5375626a6563742e646f417328537562\
    6a6563742e6a6176613a343339290a096174206f72672e6170616368652e6861646f6f702e73\
    656375726974792e61757468656e7469636174696f6e2e7574696c2e5375626a656374557469\
    6c2e646f4173285375626a6563745574696c2e6a6176613a323437290a096174206f72672e61\
    70616368652e6861646f6f702e73656375726974792e5573657247726f7570496e666f726d61\
    74696f6e2e646f4173285573657247726f7570496e666f726d6174696f6e2e6a6176613a3139\
    3531290a096174206f72672e6170616368652e6861646f6f702e6970632e5365727665722448\
    616e646c65722e72756e285365727665722e6a6176613a33313938290a30033a101fbec814b1\
    8b4d4cbeaa7cec41007e044000";

/// Returns the client that was recorded, after its first call.
fn client(recorded: &Recorded) -> (ClientConnection, StdRng) {
    // The way in which the driver draws them.
    let mut rng = StdRng::seed_from_u64(recorded.qop as u64);
    let client_id = new_client_id(&mut rng);
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    let rng = StdRng::from_rng(&mut StdRng::from_seed(seed));
    let settings = ClientSettings {
        protection: vec![recorded.qop],
        ..settings()
    };
    let token = Token::from_url_string(recorded.token).expect("a token");
    let mut client = ClientConnection::new(
        Identity::token(token),
        PROTOCOL,
        client_id,
        Arc::new(settings),
        NOW,
    );
    let request = crate::proto::hdfs::MkdirsRequestProto {
        src: format!("/user/alice/by-token-{}", recorded.qop),
        masked: crate::proto::hdfs::FsPermissionProto { perm: 0o750 },
        create_parent: true,
        unmasked: None,
    };
    let mkdirs = Outgoing {
        request: request.encode_to_vec(),
        ..call(0, "mkdirs")
    };
    client.call(mkdirs, NOW);
    (client, rng)
}

#[test]
fn a_namenode_of_hadoops_is_understood_at_every_protection() {
    for recorded in recorded() {
        let (mut client, mut rng) = client(&recorded);
        let received = unhex(recorded.received);
        client.input().extend_from_slice(&received);
        assert_eq!(client.advance(NOW, &mut rng), ClientStep::Read);
        let reply = client.next_reply().expect("the response of mkdirs");
        // result: true
        assert_eq!(reply.outcome, Ok(vec![8, 1]), "{}", recorded.qop);
        if recorded.qop == Privacy {
            assert_eq!(*client.output(), unhex(SENT));
        }

        // A changed proof is refused, and a changed response if it is protected.
        let mut ends = Vec::new();
        let mut end = 0;
        while let Some(length) = received[end..].first_chunk::<4>() {
            end += 4 + u32::from_be_bytes(*length) as usize;
            ends.push(end);
        }
        let protected = if recorded.qop == Authentication {
            1..2
        } else {
            1..3
        };
        for end in &ends[protected] {
            let (mut client, mut rng) = self::client(&recorded);
            let mut changed = received.clone();
            changed[end - 1] ^= 1;
            client.input().extend_from_slice(&changed);
            assert_eq!(client.advance(NOW, &mut rng), ClientStep::Close);
            assert!(matches!(client.failure(), Some(RpcError::Sasl(_))));
        }
    }
}

#[test]
fn refusals_of_a_namenode_of_hadoops_are_understood() {
    let [.., recorded] = recorded();
    let offer = unhex(recorded.received);
    let offer = &offer[..4 + u32::from_be_bytes(*offer.first_chunk().expect("four")) as usize];
    let refused = |identity: Identity, bytes: &[u8]| {
        let mut client = connection(identity, settings());
        client.call(call(0, "mkdirs"), NOW);
        client.input().extend_from_slice(bytes);
        client.advance(NOW, &mut StdRng::seed_from_u64(1));
        let reply = client.next_reply().expect("the call fails");
        reply.outcome.expect_err("a refusal")
    };
    let identity = || Identity::token(Token::from_url_string(recorded.token).expect("a token"));
    let mut privacy = settings();
    privacy.protection = vec![Privacy];
    let mut client = connection(identity(), privacy);
    client.call(call(0, "mkdirs"), NOW);
    client
        .input()
        .extend_from_slice(&[offer, &unhex(CANCELLED)].concat());
    client.advance(NOW, &mut StdRng::seed_from_u64(1));
    let Some(RpcError::Fatal(exception)) = client.failure() else {
        panic!("{:?}", client.failure());
    };
    assert_eq!(
        exception.to_string(),
        "org.apache.hadoop.security.token.SecretManager$InvalidToken: Token for real user: , \
         can't be found in cache"
    );
    assert_eq!(exception.code, Some(ErrorCode::FatalUnauthorized));

    let RpcError::Fatal(exception) = refused(Identity::simple("alice"), &unhex(NOT_ENABLED)) else {
        panic!("it ends the connection");
    };
    assert_eq!(
        exception.message(),
        "SIMPLE authentication is not enabled.  Available:[TOKEN, KERBEROS]"
    );

    let bytes = unhex(NO_SUCH_PROTOCOL);
    let response = Response::decode(&bytes[4..], &new_client_id(&mut StdRng::seed_from_u64(2)))
        .expect("a response");
    let exception = response.outcome.expect_err("an exception");
    assert_eq!(exception.code, Some(ErrorCode::ErrorNoSuchProtocol));
    assert_eq!(
        exception.message(),
        "Unknown protocol: org.apache.hadoop.NoSuchProtocol"
    );
    assert!(
        exception.error.message().lines().count() > 5,
        "a stack trace"
    );
}
